"""Tables of ClickHouse: their columns and partitions, and what one is made of on a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from measure_cli.clickhouse_text import DATA_SUFFIX, clickhouse_identifier, clickhouse_literal, clickhouse_type
from measure_cli.ddl.base import Columns
from measure_cli.errors import PlanError
from measure_cli.kinds import Materialization
from measure_cli.types import ModelConfig, Statement

MOMENTS = ("DATE", "TIMESTAMP")


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where definitions take effect: on one server, or on every node of a cluster."""

    cluster: str | None = None

    @property
    def everywhere(self) -> str:
        """What a definition says to reach all nodes."""
        return f" ON CLUSTER {clickhouse_identifier(self.cluster)}" if self.cluster else ""

    def stored(self, name: str) -> str:
        """The table that holds the rows."""
        return with_suffix(name, DATA_SUFFIX) if self.cluster else name

    def reader(self, name: str) -> Statement:
        """The table that reads and writes the rows of all shards."""
        stored = self.stored(name)
        engine = f"Distributed({clickhouse_literal(self.cluster)}, {stored.replace('.', ', ')}, rand())"
        return Statement(f"CREATE OR REPLACE TABLE {name}{self.everywhere} AS {stored}\nENGINE = {engine}")


ONE_SERVER = Nodes()


def with_suffix(name: str, suffix: str) -> str:
    """A qualified name with something at its end.

    >>> with_suffix('"marts"."fct"', "__data")
    '"marts"."fct__data"'
    """
    return f'{name[:-1]}{suffix}"'


def listed(columns: Columns) -> str:
    """The names of columns as a list."""
    return ", ".join(clickhouse_identifier(name) for name, _ in columns)


def typed(columns: Columns) -> str:
    """Columns as a table declares them.

    Raises:
        PlanError: ClickHouse has no type that means the same.
    """
    made = []
    for name, data_type in columns:
        if (found := clickhouse_type(data_type)) is None:
            raise PlanError(
                f"the column {name} is of type {data_type}, which has no equal on ClickHouse",
                f"Write CAST(... AS <type>) AS {name}, with VARCHAR, BIGINT, DOUBLE, DECIMAL(p, s), BOOLEAN, DATE or "
                "TIMESTAMP.",
            )
        made.append(f"{clickhouse_identifier(name)} {found}")
    return ", ".join(made)


def partition_key(columns: Columns, config: ModelConfig) -> str | None:
    """Months of dates; an incremental model is stored by those of its time column, because months are replaced."""
    is_incremental = config.materialized is Materialization.INCREMENTAL and config.time_column
    kinds = dict(columns)
    keys = [
        f"toYYYYMM({clickhouse_identifier(column)})" if kinds.get(column) in MOMENTS else clickhouse_identifier(column)
        for column in ((config.time_column,) if is_incremental else config.partition_by)
        if column
    ]
    return f"({', '.join(keys)})" if len(keys) > 1 else next(iter(keys), None)
