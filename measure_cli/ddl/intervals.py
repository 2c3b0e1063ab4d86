"""Conditions on intervals of time, written alike for every engine."""

from __future__ import annotations

from collections.abc import Sequence

from measure_cli.batches import BATCH_END, BATCH_START
from measure_cli.ddl.base import BatchDdl
from measure_cli.types import Batch

NEVER = "1 = 0"


def bound(ddl: BatchDdl, batch: Batch) -> tuple[str, str]:
    """The bounds of an interval as SQL."""
    return ddl.moment(ddl.literal(str(batch.start))), ddl.moment(ddl.literal(str(batch.end)))


def placeholders(ddl: BatchDdl) -> tuple[str, str]:
    """The bounds of an interval that is bound when a statement runs."""
    return ddl.moment(f"${BATCH_START}"), ddl.moment(f"${BATCH_END}")


def within(ddl: BatchDdl, column: str, bounds: tuple[str, str]) -> str:
    """The condition that a moment lies in a half-open interval."""
    start, end = bounds
    return f"{ddl.column(column)} >= {start} AND {ddl.column(column)} < {end}"


def within_any(ddl: BatchDdl, column: str, intervals: Sequence[Batch]) -> str:
    """The condition that a moment lies in one of some intervals."""
    return " OR ".join(f"({within(ddl, column, bound(ddl, batch))})" for batch in intervals) or NEVER
