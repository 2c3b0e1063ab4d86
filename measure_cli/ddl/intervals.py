"""Conditions on intervals of time, written alike for every engine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from measure_cli.batches import BATCH_END, BATCH_STAGE, BATCH_START, REST
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


def in_stage(ddl: BatchDdl, column: str, stages: Sequence[str], stage: str | None) -> str:
    """The condition that a row belongs to a stage, which is bound when the statement runs if it is None; never NULL."""
    listed, name = ", ".join(map(ddl.literal, stages)), ddl.column(column)
    wanted = f"${BATCH_STAGE}" if stage is None else ddl.literal(stage)
    return f"CASE WHEN {name} IN ({listed}) THEN {name} ELSE {ddl.literal(REST)} END IN ({wanted})"


def between(ddl: BatchDdl, column: str, intervals: Sequence[Batch]) -> list[str]:
    """The conditions that a moment lies before, between or after some intervals in order: one for each gap."""
    name, bounds = ddl.column(column), [bound(ddl, batch) for batch in intervals]
    gaps = [f"{name} >= {one[1]} AND {name} < {other[0]}" for one, other in pairwise(bounds)]
    return [f"{name} < {bounds[0][0]}", *gaps, f"{name} >= {bounds[-1][1]}"]


def within_any(ddl: BatchDdl, column: str, intervals: Sequence[Batch]) -> str:
    """The condition that a moment lies in one of some intervals."""
    return " OR ".join(f"({within(ddl, column, bound(ddl, batch))})" for batch in intervals) or NEVER
