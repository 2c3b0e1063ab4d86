"""Statements for Snowflake, which commits an open transaction at every definition.

A table is published by one CREATE OR REPLACE, which is atomic, of the staged rows: readers see the old ones or the new
ones, and keep their grants. The rows are written once more for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from measure_cli.ddl.base import Columns
from measure_cli.ddl.leases import COLUMNS, RowLease
from measure_cli.ddl.snowflake_batches import SnowflakeBatches
from measure_cli.ddl.snowflake_lease import snowflake_lease
from measure_cli.errors import PlanError
from measure_cli.kinds import EngineKind
from measure_cli.snowflake_text import copy_text, put_text, snowflake_identifier, snowflake_literal, snowflake_name
from measure_cli.types import STATE_SCHEMA, Batch, Load, ModelConfig, Row, Statement, Value

ROWS_AT_ONCE = 1000
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), "NUMBER(19, 0)"),
    **dict.fromkeys(("HUGEINT", "UBIGINT"), "NUMBER(38, 0)"),
    **dict.fromkeys(("DOUBLE", "FLOAT"), "FLOAT"),
    "VARCHAR": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP_NTZ(6)",
}
DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")


@dataclass(frozen=True, slots=True)
class SnowflakeDdl:
    """Writes for one database; `schema_prefix` keeps its schemas apart from those of others."""

    database: str
    schema_prefix: str = ""
    kind: EngineKind = EngineKind.SNOWFLAKE
    is_transactional: bool = False
    is_swap_repeatable: bool = True
    reads_files: bool = False
    escapes_by_backslash: bool = True

    @property
    def batches(self) -> SnowflakeBatches:
        """The writer of what is built by intervals of time."""
        return SnowflakeBatches()

    @classmethod
    def of(cls, settings: Mapping[str, Value]) -> Self:
        """For the settings of a target."""
        return cls(str(settings.get("database") or "").lower(), str(settings.get("schema_prefix") or "").lower())

    def place(self, schema: str, is_internal: bool = False) -> str:
        """`database.schema`; without a database that of the session. Internal relations have a schema of that name."""
        del is_internal
        own = f"{self.schema_prefix}{schema.lower()}"
        return f"{self.database}.{own}" if self.database else own

    def name(self, place: str, name: str) -> str:
        """`database.schema.name`."""
        return f"{snowflake_name(place)}.{snowflake_identifier(name)}"

    def create_schema(self, place: str) -> Statement:
        """Make a schema where it is missing."""
        return Statement(f"CREATE SCHEMA IF NOT EXISTS {snowflake_name(place)}")

    def create_table(self, name: str, columns: Columns, config: ModelConfig) -> list[Statement]:
        """Make an empty table. Snowflake partitions by itself; what is sorted when written can be skipped when read."""
        del config
        return [Statement(f"CREATE OR REPLACE TABLE {name} ({typed(columns)})")]

    def table(
        self, name: str, columns: Columns, select: str, config: ModelConfig, secrets: Sequence[str] = ()
    ) -> list[Statement]:
        """Make a table with declared types, then fill it, so that Snowflake brings the rows to these types."""
        rows = f"SELECT * FROM (\n{select}\n) ORDER BY {listed(config.order_by)}" if config.order_by else select
        filled = Statement(f"INSERT INTO {name} ({listed(names(columns))})\n{rows}", secrets=tuple(secrets))
        return [*self.create_table(name, columns, config), filled]

    def view(self, name: str, columns: Columns, select: str) -> Statement:
        """Make a view; whoever could read the one before can read it."""
        return Statement(f"CREATE OR REPLACE VIEW {name} ({listed(names(columns))}) COPY GRANTS AS\n{select}")

    def rows(self, name: str, columns: Columns, rows: Sequence[Row]) -> list[Statement]:
        """Make a table of given rows, in statements of a size that Snowflake takes."""
        filled = [
            Statement(f"INSERT INTO {name} ({listed(names(columns))}) VALUES\n  {text}")
            for text in chunks(columns, rows)
        ]
        return [*self.create_table(name, columns, ModelConfig()), *filled]

    def load(self, name: str, columns: Columns, select: str) -> list[Statement | Load]:
        """Make an empty table, then fill it from files."""
        return [*self.create_table(name, columns, ModelConfig()), Load(name, tuple(columns), select)]

    def drop(self, name: str, kind: str) -> Statement:
        """Remove a relation, if it is there."""
        return Statement(f"DROP {kind.upper()} IF EXISTS {name}")

    def publish_table(self, staged: str, published: str, bare: str, existing: str | None) -> list[Statement]:
        """Replace the published table in one statement; a view of that name goes first."""
        del bare
        room = [self.drop(published, "view")] if existing == "view" else []
        return [*room, Statement(f"CREATE OR REPLACE TABLE {published} COPY GRANTS AS\nSELECT * FROM {staged}")]

    def publish_view(
        self, staged: str, published: str, columns: Columns, select: str, existing: str | None
    ) -> list[Statement]:
        """Replace the published view in one statement; a table of that name goes first."""
        room = [self.drop(published, "table")] if existing == "table" else []
        return [*room, self.view(published, columns, select), self.drop(staged, "view")]

    def tidy(self, staged: str, as_view: bool) -> list[Statement]:
        """The staged table has been copied."""
        return [] if as_view else [self.drop(staged, "table")]

    def comments(self, name: str, as_view: bool, description: str, columns: Mapping[str, str]) -> list[Statement]:
        """The description of the relation. Those of columns cost a statement each and stand in `measure show`."""
        del columns
        kind = "VIEW" if as_view else "TABLE"
        # Tools that paste comments into statements of their own trip over a quote.
        told = snowflake_literal(description.replace("'", "\u2019"))
        return [Statement(f"COMMENT ON {kind} {name} IS {told}")] if description else []

    def keep(self, name: str, select: str, secrets: Sequence[str]) -> list[Statement]:
        """Make a table of whatever a SELECT gives."""
        return [Statement(f"CREATE OR REPLACE TABLE {name} AS\n{select}", secrets=tuple(secrets))]

    def state_table(self, name: str, columns: Mapping[str, str]) -> Statement:
        """A plain table."""
        return Statement(f"CREATE TABLE IF NOT EXISTS {name} ({typed([*columns.items()])})")

    def lease(self) -> RowLease:
        """The lease of a stack, a row."""
        place = self.place(STATE_SCHEMA)
        name = self.name(place, "lease")
        made = (self.create_schema(place), self.state_table(name, COLUMNS))
        return snowflake_lease(name, made)

    def replace_interval(
        self, name: str, columns: Columns, select: str, time_column: str, batch: Batch
    ) -> list[Statement]:
        """Delete and insert in one transaction."""
        start, end = (f"CAST({snowflake_literal(str(bound))} AS TIMESTAMP_NTZ)" for bound in (batch.start, batch.end))
        column = snowflake_identifier(time_column)
        return [
            Statement("BEGIN"),
            Statement(f"DELETE FROM {name} WHERE {column} >= {start} AND {column} < {end}"),
            Statement(f"INSERT INTO {name} ({listed(names(columns))})\n{select}"),
            Statement("COMMIT"),
        ]

    def script_head(self, has_internal: bool, secrets: Sequence[str]) -> list[str]:
        """Time zone, how to set secrets."""
        del has_internal
        head = "ALTER SESSION SET TIMEZONE = 'UTC'"
        return [f"{salt_comment(secrets)}\n{head}" if secrets else head]

    def script_load(self, name: str, columns: Columns, select: str, file: str) -> list[str]:
        """Upload the file to the stage of the table, copy it into the table."""
        del select
        made = [statement.sql for statement in self.create_table(name, columns, ModelConfig())]
        return [*made, put_text(name, file), copy_text(name)]

    def script_placeholder(self, secret: str) -> str:
        """A variable of the session."""
        return f"${secret}"


def names(columns: Columns) -> list[str]:
    """The names of columns."""
    return [name for name, _ in columns]


def listed(columns: Sequence[str]) -> str:
    """Names as a list in SQL."""
    return ", ".join(map(snowflake_identifier, columns))


def typed(columns: Columns) -> str:
    """Columns as a table declares them."""
    return ", ".join(f"{snowflake_identifier(name)} {snowflake_type(name, kind)}" for name, kind in columns)


def snowflake_type(column: str, data_type: str) -> str:
    """Snowflake's type for one of DuckDB's.

    >>> snowflake_type("n", "BIGINT"), snowflake_type("amount", "DECIMAL(18,6)")
    ('NUMBER(19, 0)', 'NUMBER(18, 6)')

    Raises:
        PlanError: it has none that means the same, or the type is not known.
    """
    if found := DECIMAL.fullmatch(data_type):
        return f"NUMBER({found.group(1)}, {found.group(2)})"
    if data_type not in TYPES:
        raise PlanError(
            f"the column {column} is of type {data_type}, which has no equal on Snowflake",
            f"Write CAST(... AS <type>) AS {column}, with one of {', '.join(TYPES)}, DECIMAL(p, s).",
        )
    return TYPES[data_type]


def chunks(columns: Columns, rows: Sequence[Row]) -> Iterator[str]:
    """Given rows as literals."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield ",\n  ".join(
            f"({', '.join(snowflake_literal(row[name]) for name, _ in columns)})"
            for row in rows[start : start + ROWS_AT_ONCE]
        )


def salt_comment(secrets: Sequence[str]) -> str:
    """How a person sets the secrets of a script, without ever writing them into it."""
    lines = "\n".join(f"--   SET {name} = '&{name}';" for name in secrets)
    options = " ".join(f"-D {name}=..." for name in secrets)
    return (
        "-- Pseudonyms need the two blocks that HMAC makes of the salt; they are as secret as the salt itself.\n"
        "-- `measure sql --secrets` prints them. A SET statement stays in the account's history of queries; where\n"
        "-- that is too much, use `measure build`, which binds them. Before this script:\n"
        f"--   snowsql {options} -o variable_substitution=true\n{lines}"
    )
