"""Statements for ClickHouse, which has no transactions: what is published is swapped in by one atomic statement.

On a cluster a table is two: `<name>__data`, replicated, with the rows of a shard, and `<name>`, which reads and writes
all shards. State tables are one replicated table on all nodes instead, because their rows are changed one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from measure_cli.clickhouse_text import (
    MEANING,
    WRITING,
    clickhouse_identifier,
    clickhouse_literal,
    named_database,
    settings_text,
)
from measure_cli.ddl.base import Columns
from measure_cli.ddl.clickhouse_batches import ClickHouseBatches
from measure_cli.ddl.clickhouse_lease import ClickHouseLease
from measure_cli.ddl.clickhouse_tables import ONE_SERVER, Nodes, listed, partition_key, typed
from measure_cli.ddl.leases import COLUMNS
from measure_cli.kinds import EngineKind
from measure_cli.types import INTERNAL_SCHEMA, STATE_SCHEMA, Batch, Load, ModelConfig, Row, Statement, Value

EVERY_NODE = "ReplicatedMergeTree('/clickhouse/tables/{database}/{table}', '{shard}-{replica}')"
# Without these columns ClickHouse cannot tell which row an UPDATE is about.
CHANGEABLE = "enable_block_number_column = 1, enable_block_offset_column = 1"


@dataclass(frozen=True, slots=True)
class ClickHouseDdl:
    """Writes for databases that begin with `prefix`, on one server, or on all of a cluster."""

    prefix: str = ""
    nodes: Nodes = ONE_SERVER
    kind: EngineKind = EngineKind.CLICKHOUSE
    is_transactional: bool = False
    is_swap_repeatable: bool = False  # a second EXCHANGE would bring the old version back
    reads_files: bool = False
    escapes_by_backslash: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, Value]) -> Self:
        """For the settings of a target: the database that the URL of a server names is the prefix."""
        database, cluster = named_database(str(settings.get("url") or "")), settings.get("cluster")
        return cls(f"{database}_" if database else "", Nodes(str(cluster) if cluster else None))

    @property
    def batches(self) -> ClickHouseBatches:
        """The writer of what is built by intervals of time."""
        return ClickHouseBatches(self.nodes)

    def place(self, schema: str, is_internal: bool = False) -> str:
        """The database of a schema; internal relations stand in one of their own."""
        return self.prefix + (INTERNAL_SCHEMA if is_internal else schema)

    def name(self, place: str, name: str) -> str:
        """`"database"."name"`."""
        return f"{clickhouse_identifier(place)}.{clickhouse_identifier(name)}"

    def create_schema(self, place: str) -> Statement:
        """Make a database where it is missing."""
        return Statement(f"CREATE DATABASE IF NOT EXISTS {clickhouse_identifier(place)}{self.nodes.everywhere}")

    def create_table(self, name: str, columns: Columns, config: ModelConfig) -> list[Statement]:
        """Make an empty table, sorted and partitioned as configured."""
        partition = f"\nPARTITION BY {key}" if (key := partition_key(columns, config)) else ""
        order = ", ".join(map(clickhouse_identifier, config.order_by))
        engine = "ReplicatedMergeTree" if self.nodes.cluster else "MergeTree"
        made = Statement(
            f"CREATE OR REPLACE TABLE {self.nodes.stored(name)}{self.nodes.everywhere} ({typed(columns)})\n"
            f"ENGINE = {engine}{partition}\nORDER BY ({order})\nSETTINGS allow_nullable_key = 1"
        )
        return [made, self.nodes.reader(name)] if self.nodes.cluster else [made]

    def table(
        self, name: str, columns: Columns, select: str, config: ModelConfig, secrets: Sequence[str] = ()
    ) -> list[Statement]:
        """Make a table with declared types, then fill it, so that ClickHouse brings the rows to these types."""
        filled = Statement(f"INSERT INTO {name} ({listed(columns)})\n{select}", secrets=tuple(secrets))
        return [*self.create_table(name, columns, config), filled]

    def view(self, name: str, columns: Columns, select: str) -> Statement:
        """Make a view that brings its settings along: the sessions of its readers lack them."""
        return Statement(
            f"CREATE OR REPLACE VIEW {name}{self.nodes.everywhere} ({typed(columns)}) AS\n"
            f"SELECT {listed(columns)} FROM (\n{select}\n)\nSETTINGS {settings_text(MEANING)}"
        )

    def rows(self, name: str, columns: Columns, rows: Sequence[Row]) -> list[Statement]:
        """Make a table of given rows."""
        values = ",\n  ".join(
            f"({', '.join(clickhouse_literal(row[column]) for column, _ in columns)})" for row in rows
        )
        filled = [Statement(f"INSERT INTO {name} ({listed(columns)}) VALUES\n  {values}")] if rows else []
        return [*self.create_table(name, columns, ModelConfig()), *filled]

    def load(self, name: str, columns: Columns, select: str) -> list[Statement | Load]:
        """Make an empty table, then fill it from files."""
        return [*self.create_table(name, columns, ModelConfig()), Load(name, tuple(columns), select)]

    def drop(self, name: str, kind: str) -> Statement:
        """Remove a table or a view; DROP TABLE removes either."""
        both = f"{name}, {self.nodes.stored(name)}" if self.nodes.cluster and kind == "table" else name
        return Statement(f"DROP TABLE IF EXISTS {both}{self.nodes.everywhere}")

    def publish_table(self, staged: str, published: str, bare: str, existing: str | None) -> list[Statement]:
        """Exchange the names of the staged and the published table; afterwards the staged one is the old version.

        On a cluster the data change names; the table that reads them follows, because its columns may differ.
        """
        del bare
        new, old = self.nodes.stored(staged), self.nodes.stored(published)
        is_exchanged = existing == "table" or (existing and not self.nodes.cluster)
        verb = f"EXCHANGE TABLES {new} AND {old}" if is_exchanged else f"RENAME TABLE {new} TO {old}"
        swap = Statement(f"{verb}{self.nodes.everywhere}")
        return [swap, self.nodes.reader(published)] if self.nodes.cluster else [swap]

    def publish_view(
        self, staged: str, published: str, columns: Columns, select: str, existing: str | None
    ) -> list[Statement]:
        """Replace whatever has the name, in one statement."""
        left = [self.drop(self.nodes.stored(published), "view")] if self.nodes.cluster and existing == "table" else []
        return [self.view(published, columns, select), *left, self.drop(staged, "view")]

    def tidy(self, staged: str, as_view: bool) -> list[Statement]:
        """After an exchange the staged name is that of the old version."""
        return [] if as_view else [self.drop(staged, "table")]

    def comments(self, name: str, as_view: bool, description: str, columns: Mapping[str, str]) -> list[Statement]:
        """Descriptions of the relation and of its columns, in one statement."""
        del as_view
        told = [f"MODIFY COMMENT {clickhouse_literal(description)}"] if description else []
        told += [
            f"COMMENT COLUMN {clickhouse_identifier(column)} {clickhouse_literal(text)}"
            for column, text in columns.items()
        ]
        return [Statement(f"ALTER TABLE {name}{self.nodes.everywhere} {', '.join(told)}")] if told else []

    def keep(self, name: str, select: str, secrets: Sequence[str]) -> list[Statement]:
        """Make a table of whatever a SELECT gives."""
        sql = f"CREATE OR REPLACE TABLE {name} ENGINE = MergeTree ORDER BY () AS\n{select}"
        return [Statement(sql, secrets=tuple(secrets))]

    def state_table(self, name: str, columns: Mapping[str, str]) -> Statement:
        """A table whose rows can be changed one by one."""
        engine = EVERY_NODE if self.nodes.cluster else "MergeTree"
        return Statement(
            f"CREATE TABLE IF NOT EXISTS {name}{self.nodes.everywhere} ({typed([*columns.items()])})\n"
            f"ENGINE = {engine} ORDER BY () SETTINGS {CHANGEABLE}"
        )

    def lease(self) -> ClickHouseLease:
        """The lease of a stack, a row and a table."""
        place = self.place(STATE_SCHEMA)
        name = self.name(place, "lease")
        made = (self.create_schema(place), self.state_table(name, COLUMNS))
        return ClickHouseLease(place, name, made, self.nodes)

    def replace_interval(
        self, name: str, columns: Columns, select: str, time_column: str, batch: Batch
    ) -> list[Statement]:
        """Replace the months that an interval touches; their rows outside of the interval are kept."""
        return self.batches.interval(name, columns, select, time_column, batch)

    def script_head(self, has_internal: bool, secrets: Sequence[str]) -> list[str]:
        """Settings, how to set secrets."""
        del has_internal
        head = f"SET {settings_text({**MEANING, **WRITING})}"
        return [f"{salt_comment(secrets)}\n{head}, log_queries = 0" if secrets else head]

    def script_load(self, name: str, columns: Columns, select: str, file: str) -> list[str]:
        """Make the table, then read the file where the script runs."""
        del select
        made = [statement.sql for statement in self.create_table(name, columns, ModelConfig())]
        return [*made, f"INSERT INTO {name} ({listed(columns)}) FROM INFILE {clickhouse_literal(file)} FORMAT Parquet"]

    def script_placeholder(self, secret: str) -> str:
        """A parameter of the query."""
        return f"{{{secret}:String}}"


def salt_comment(secrets: Sequence[str]) -> str:
    """How a person sets the secrets of a script, without ever writing them into it."""
    options = " ".join(f'--param_{name}="${name.upper()}"' for name in secrets)
    return (
        "-- Pseudonyms need the two blocks that HMAC makes of the salt; they are as secret as the salt itself.\n"
        "-- ClickHouse writes the values of parameters into its log of queries, so this script turns that log off.\n"
        f'--   eval "$(measure sql --secrets)"; measure sql --dialect clickhouse | clickhouse-client {options}'
    )
