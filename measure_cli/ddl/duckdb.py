"""Statements for DuckDB: definitions are part of transactions, internal relations stand in a second attached file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from measure_cli.ddl.base import Columns
from measure_cli.ddl.duckdb_batches import DuckDBBatches
from measure_cli.ddl.duckdb_lease import duckdb_lease
from measure_cli.ddl.leases import COLUMNS, RowLease
from measure_cli.errors import PlanError
from measure_cli.kinds import EngineKind
from measure_cli.secrets import PII_SIPHASH_KEY
from measure_cli.sqltext import identifier, literal, relation_text, table_text
from measure_cli.types import INTERNAL_FILE, STATE_SCHEMA, Batch, Load, ModelConfig, Row, Statement


@dataclass(frozen=True, slots=True)
class DuckDBDdl:
    """Writes for DuckDB."""

    kind: EngineKind = EngineKind.DUCKDB
    is_transactional: bool = True
    is_swap_repeatable: bool = True
    reads_files: bool = True
    escapes_by_backslash: bool = False
    batches: DuckDBBatches = field(default_factory=DuckDBBatches)

    def place(self, schema: str, is_internal: bool = False) -> str:
        """The schema, or `file.schema` for what stands in the attached file."""
        return f"{INTERNAL_FILE}.{schema}" if is_internal else schema

    def name(self, place: str, name: str) -> str:
        """`"schema"."name"`."""
        return relation_text(place, name)

    def create_schema(self, place: str) -> Statement:
        """Make a schema where it is missing."""
        return Statement(f"CREATE SCHEMA IF NOT EXISTS {table_text(place)}")

    def create_table(self, name: str, columns: Columns, config: ModelConfig) -> list[Statement]:
        """Make an empty table; an order only matters to rows."""
        del config
        typed = ", ".join(f"{identifier(column)} {data_type}" for column, data_type in columns)
        return [Statement(f"CREATE OR REPLACE TABLE {name} ({typed})")]

    def table(
        self, name: str, columns: Columns, select: str, config: ModelConfig, secrets: Sequence[str] = ()
    ) -> list[Statement]:
        """Make a table of the rows of a SELECT; DuckDB knows their types best."""
        del columns
        return [
            Statement(f"CREATE OR REPLACE TABLE {name} AS\n{ordered(select, config.order_by)}", secrets=tuple(secrets))
        ]

    def view(self, name: str, columns: Columns, select: str) -> Statement:
        """Make a view."""
        del columns
        return Statement(f"CREATE OR REPLACE VIEW {name} AS\n{select}")

    def rows(self, name: str, columns: Columns, rows: Sequence[Row]) -> list[Statement]:
        """Make a table of given rows by one typed SELECT."""
        return self.table(name, columns, rows_select(columns, rows), ModelConfig())

    def load(self, name: str, columns: Columns, select: str) -> list[Statement | Load]:
        """DuckDB reads files itself."""
        return [*self.table(name, columns, select, ModelConfig())]

    def drop(self, name: str, kind: str) -> Statement:
        """Remove a relation, if it is there."""
        return Statement(f"DROP {kind.upper()} IF EXISTS {name}")

    def publish_table(self, staged: str, published: str, bare: str, existing: str | None) -> list[Statement]:
        """Drop and rename: within a transaction nobody sees the moment between."""
        return [*_make_room(published, existing), Statement(f"ALTER TABLE {staged} RENAME TO {identifier(bare)}")]

    def publish_view(
        self, staged: str, published: str, columns: Columns, select: str, existing: str | None
    ) -> list[Statement]:
        """Replace a view; a table of that name goes first."""
        room = _make_room(published, existing) if existing == "table" else []
        return [self.drop(staged, "view"), *room, self.view(published, columns, select)]

    def tidy(self, staged: str, as_view: bool) -> list[Statement]:
        """Renaming leaves nothing."""
        del staged, as_view
        return []

    def comments(self, name: str, as_view: bool, description: str, columns: Mapping[str, str]) -> list[Statement]:
        """The description of the relation. Those of columns cost a statement each and stand in `measure show`."""
        del columns
        kind = "VIEW" if as_view else "TABLE"
        return [Statement(f"COMMENT ON {kind} {name} IS {literal(description)}")] if description else []

    def keep(self, name: str, select: str, secrets: Sequence[str]) -> list[Statement]:
        """Make a table of whatever a SELECT gives."""
        return self.table(name, (), select, ModelConfig(), secrets)

    def state_table(self, name: str, columns: Mapping[str, str]) -> Statement:
        """A plain table: keys and defaults have broken the replay of DuckDB's log before."""
        typed = ", ".join(f"{column} {data_type}" for column, data_type in columns.items())
        return Statement(f"CREATE TABLE IF NOT EXISTS {name} ({typed})")

    def lease(self) -> RowLease:
        """The lease of a stack, a row."""
        place = self.place(STATE_SCHEMA)
        name = self.name(place, "lease")
        made = (self.create_schema(place), self.state_table(name, COLUMNS))
        return duckdb_lease(name, made)

    def replace_interval(
        self, name: str, columns: Columns, select: str, time_column: str, batch: Batch
    ) -> list[Statement]:
        """Delete and insert in one transaction."""
        listed = ", ".join(identifier(column) for column, _ in columns)
        start, end = (f"CAST({literal(str(bound))} AS TIMESTAMP)" for bound in (batch.start, batch.end))
        column = identifier(time_column)
        return [
            Statement("BEGIN"),
            Statement(f"DELETE FROM {name} WHERE {column} >= {start} AND {column} < {end}"),
            Statement(f"INSERT INTO {name} ({listed})\n{select}"),
            Statement("COMMIT"),
        ]

    def script_head(self, has_internal: bool, secrets: Sequence[str]) -> list[str]:
        """Time zone, a place for internal relations, how to set secrets."""
        if PII_SIPHASH_KEY in secrets:
            raise PlanError(
                'hash = "siphash64" cannot be written as a script: the shell of DuckDB has no SipHash',
                'Use measure build, or hash = "hmac-sha256".',
            )
        head = ["SET TimeZone = 'UTC'"]
        if secrets:
            head[0] = f"{salt_comment(secrets)}\n{head[0]}"
        if has_internal:
            head.append(f"-- internal relations stay out of the database\nATTACH ':memory:' AS {INTERNAL_FILE}")
        return head

    def script_load(self, name: str, columns: Columns, select: str, file: str) -> list[str]:
        """DuckDB reads the files themselves."""
        del file
        return [statement.sql for statement in self.table(name, columns, select, ModelConfig())]

    def script_placeholder(self, secret: str) -> str:
        """A variable of the session; without it the statement fails instead of making NULL of every pseudonym."""
        unset = f"error({literal(f'SET VARIABLE {secret} first')})"
        return f"coalesce(getvariable({literal(secret)}), CAST({unset} AS VARCHAR))"


def _make_room(published: str, existing: str | None) -> list[Statement]:
    return [Statement(f"DROP {existing.upper()} {published}")] if existing else []


def salt_comment(secrets: Sequence[str]) -> str:
    """How a person sets the secrets of a script, without ever writing them into it."""
    listed = "\n".join(f"--   SET VARIABLE {name} = getenv('{name.upper()}');" for name in secrets)
    return f"""\
-- Pseudonyms need the two blocks that HMAC makes of the salt; they are as secret as the salt itself. In the shell:
--   eval "$(measure sql --secrets)"
-- and in DuckDB, before this script:
{listed}"""


def ordered(select: str, order_by: Sequence[str]) -> str:
    """The SELECT of a table, sorted as configured so that the engine can skip blocks."""
    if not order_by:
        return select
    return f"SELECT * FROM (\n{select}\n) ORDER BY {', '.join(map(identifier, order_by))}"


def rows_select(columns: Columns, rows: Sequence[Row]) -> str:
    """Given rows as a typed SELECT."""
    if not rows:
        nulls = ", ".join(f"CAST(NULL AS {data_type}) AS {identifier(name)}" for name, data_type in columns)
        return f"SELECT {nulls} WHERE false"
    typed = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in columns)
    names = ", ".join(identifier(name) for name, _ in columns)
    values = ",\n  ".join("(" + ", ".join(literal(row[name]) for name, _ in columns) + ")" for row in rows)
    return f"SELECT {typed}\nFROM (VALUES\n  {values}\n) AS registry({names})"
