"""Batches on ClickHouse: whole months change places, in one statement.

A month that is replaced in part is filled up with the rows that stay. Statements may be run again from the first one
when a run was killed between two: they leave the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from measure_cli.batches import months_between, overlap, without
from measure_cli.clickhouse_text import DATA_SUFFIX, clickhouse_identifier, clickhouse_literal
from measure_cli.ddl.base import Columns, Swap
from measure_cli.ddl.clickhouse_leftovers import is_unfinished
from measure_cli.ddl.clickhouse_tables import ONE_SERVER, Nodes, listed, typed, with_suffix
from measure_cli.types import BATCHES_SUFFIX, STAGED_SUFFIX, Batch, ModelConfig, Statement

BATCH_SUFFIX = "__batch"
EMPTY_MONTHS = "allow_replace_partition_from_empty_source = 1"


@dataclass(frozen=True, slots=True)
class ClickHouseBatches:
    """Writes for one server, or for all nodes of a cluster."""

    nodes: Nodes = ONE_SERVER

    def column(self, name: str) -> str:
        """Quoted."""
        return clickhouse_identifier(name)

    def moment(self, text: str) -> str:
        """A cast, which is a constant to ClickHouse."""
        return f"CAST({text} AS DateTime64(6, 'UTC'))"

    def literal(self, text: str) -> str:
        """Quotes and backslashes inside are doubled."""
        return clickhouse_literal(text)

    def days(self, name: str, columns: Sequence[str], time_column: str | None) -> str:
        """A sum of hashes knows no order; a hash of a tuple, unlike one of values, counts NULLs too."""
        values = ", ".join(f"seen.{clickhouse_identifier(column)}" for column in columns) or "1"
        day = f"toString(toDate32(seen.{clickhouse_identifier(time_column)}))" if time_column else "NULL"
        rows = (
            f"SELECT CAST({day} AS Nullable(String)) AS day, cityHash64(tuple({values})) AS hashed FROM {name} AS seen"
        )
        return f"SELECT day, count() AS n_rows, toString(sum(hashed)) AS content\nFROM (\n{rows}\n)\nGROUP BY day"

    def delete(self, name: str, condition: str) -> list[Statement]:
        """Remove rows."""
        return [Statement(f"DELETE FROM {self.nodes.stored(name)}{self.nodes.everywhere} WHERE {condition}")]

    def insert(self, name: str, columns: Columns, select: str, config: ModelConfig) -> str:
        """Add rows; the table sorts them."""
        del config
        return f"INSERT INTO {name} ({listed(columns)})\n{select}"

    def add_text(self, name: str, column: str) -> Statement:
        """A definition that may be there already."""
        added = f"ADD COLUMN IF NOT EXISTS {typed([(column, 'VARCHAR')])}"
        return Statement(f"ALTER TABLE {name}{self.nodes.everywhere} {added}")

    def is_unfinished(self, place: str, name: str, known: Collection[str]) -> bool:
        """Of every relation there are tables beside it, and on a cluster one with its rows."""
        beside = (one + suffix for one in known for suffix in ("", STAGED_SUFFIX, BATCHES_SUFFIX, BATCH_SUFFIX))
        return is_unfinished(place, name, (one + suffix for one in beside for suffix in ("", DATA_SUFFIX)))

    def publish(self, swap: Swap) -> list[Statement]:
        """Months of the stage take the places of published ones; a whole table is cloned, which copies no rows."""
        gone = self._drop(swap.stage)
        if swap.intervals is None:
            return [*self._clone(swap.published, swap.stage), gone]
        if not swap.intervals:
            return [gone]
        kept = self._keep(swap.stage, swap.published, listed(swap.columns), swap.time_column, swap.intervals)
        if kept:
            return [*(self.fill_up(swap) if swap.is_filled else self.delete(swap.published, swap.condition)), gone]
        if swap.is_filled:
            return [self._replace(swap.published, swap.stage, swap.intervals), gone]
        return [self._empty(swap.published, swap.intervals), gone]

    def fill_up(self, swap: Swap) -> list[Statement]:
        """Replace months in part: by a clone of the stage and the rows that stay."""
        assert swap.intervals
        filled = with_suffix(swap.published, BATCH_SUFFIX)
        kept = self._keep(filled, swap.published, listed(swap.columns), swap.time_column, swap.intervals)
        swapped = self._replace(swap.published, filled, swap.intervals)
        return [*self._clone(filled, swap.stage), *kept, swapped, self._drop(filled)]

    def interval(self, name: str, columns: Columns, select: str, time_column: str, batch: Batch) -> list[Statement]:
        """Replace one interval by the rows of a SELECT."""
        staged = with_suffix(name, BATCH_SUFFIX)
        stored = self.nodes.stored(staged)
        return [
            Statement(f"CREATE OR REPLACE TABLE {stored}{self.nodes.everywhere} AS {self.nodes.stored(name)}"),
            *self._readers(staged),
            Statement(self.insert(staged, columns, select, ModelConfig())),
            *self._keep(staged, name, listed(columns), time_column, (batch,)),
            self._replace(name, staged, (batch,)),
            self._drop(staged),
        ]

    def _clone(self, name: str, source: str) -> list[Statement]:
        stored, nodes = self.nodes.stored(name), self.nodes
        clone = Statement(f"CREATE OR REPLACE TABLE {stored}{nodes.everywhere} CLONE AS {nodes.stored(source)}")
        return [clone, *self._readers(name)]

    def _readers(self, name: str) -> list[Statement]:
        return [self.nodes.reader(name)] if self.nodes.cluster else []

    def _keep(
        self, filled: str, name: str, names: str, time_column: str, intervals: Sequence[Batch]
    ) -> list[Statement]:
        """Add the rows of the months that lie outside of the intervals."""
        column = clickhouse_identifier(time_column)
        return [
            Statement(
                f"INSERT INTO {filled} ({names})\nSELECT {names} FROM {name} "
                f"WHERE {column} >= {self._moment(part)} AND {column} < {self._moment(part, is_end=True)}"
            )
            for month in months_of(intervals)
            for part in without(month, [common for one in intervals for common in [overlap(month, one)] if common])
        ]

    def _moment(self, batch: Batch, is_end: bool = False) -> str:
        return self.moment(self.literal(str(batch.end if is_end else batch.start)))

    def _replace(self, name: str, source: str, intervals: Sequence[Batch]) -> Statement:
        stored = self.nodes.stored(source)
        months = ", ".join(f"REPLACE PARTITION {month.start:%Y%m} FROM {stored}" for month in months_of(intervals))
        table = f"{self.nodes.stored(name)}{self.nodes.everywhere}"
        return Statement(f"ALTER TABLE {table} {months} SETTINGS {EMPTY_MONTHS}")

    def _empty(self, name: str, intervals: Sequence[Batch]) -> Statement:
        months = ", ".join(f"DROP PARTITION {month.start:%Y%m}" for month in months_of(intervals))
        return Statement(f"ALTER TABLE {self.nodes.stored(name)}{self.nodes.everywhere} {months}")

    def _drop(self, name: str) -> Statement:
        both = f"{name}, {self.nodes.stored(name)}" if self.nodes.cluster else name
        return Statement(f"DROP TABLE IF EXISTS {both}{self.nodes.everywhere}")


def months_of(intervals: Sequence[Batch]) -> tuple[Batch, ...]:
    """The months that intervals touch.

    >>> from datetime import datetime
    >>> [f"{month.start:%Y%m}" for month in months_of([Batch(datetime(2024, 12, 5), datetime(2025, 2, 1))])]
    ['202412', '202501']
    """
    return tuple(
        dict.fromkeys(month for interval in intervals for month in months_between(interval.start, interval.end))
    )
