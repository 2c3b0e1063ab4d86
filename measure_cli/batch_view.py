"""Batches in words: plans, progress, trouble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from measure_cli.batches import BatchPlan, month_of
from measure_cli.events import BatchCrowded, BatchFinished, BatchRetried, BatchSplit, Retried
from measure_cli.results import Table
from measure_cli.types import Batch


def batch_name(batch: Batch) -> str:
    """An interval as people write it: a month, several months, a day, or the first and the last day; and the stage.

    >>> from datetime import datetime
    >>> batch_name(Batch(datetime(2024, 1, 1), datetime(2024, 3, 1)))
    '2024-01..2024-02'
    >>> batch_name(Batch(datetime(2024, 1, 1), datetime(2024, 1, 9)))
    '2024-01-01..2024-01-08'
    >>> batch_name(Batch(datetime(2024, 1, 1), datetime(2024, 2, 1), "USDC"))
    '2024-01 USDC'
    """
    if batch.stage is not None:
        return f"{batch_name(replace(batch, stage=None))} {batch.stage or '(others)'}"
    last = batch.end - timedelta(days=1)
    if batch.start == month_of(batch.start).start and batch.end == month_of(last).end:
        return f"{batch.start:%Y-%m}" if month_of(batch.start) == batch else f"{batch.start:%Y-%m}..{last:%Y-%m}"
    return f"{batch.start:%Y-%m-%d}" if last == batch.start else f"{batch.start:%Y-%m-%d}..{last:%Y-%m-%d}"


def plan_line(plan: BatchPlan) -> str:
    """What a refresh does to one model, and why."""
    reasons = Counter(month.why.value for month in plan.months)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    why = f" ({told})" if told else ""
    parts = [f"{count_of(len(plan.batches), 'batch')} for {count_of(len(plan.months), 'month')}{why}"]
    if plan.done:
        parts.append(f"{count_of(len(plan.done), 'batch')} of an earlier run kept")
    if plan.dropped:
        parts.append(f"{count_of(len(plan.dropped), 'month')} removed")
    return f"plan {plan.relation}: {'; '.join(parts)}; {plan.kept} up to date"


def count_of(number: int, noun: str) -> str:
    """A number with its noun.

    >>> count_of(1, "batch"), count_of(2, "batch"), count_of(0, "month")
    ('1 batch', '2 batches', '0 months')
    """
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def rows_text(rows: int) -> str:
    """A number of rows in a column of such.

    >>> rows_text(1), rows_text(12_000)
    ('           1 row ', '      12,000 rows')
    """
    return f"{rows:>12,} {'row ' if rows == 1 else 'rows'}"


def batch_line(event: BatchFinished) -> str:
    """One batch of a model: which, rows, time, rate, how much longer."""
    rate = f"{event.rows / event.seconds:,.0f} rows/s" if event.seconds else ""
    left = (event.total - event.number) * event.elapsed / event.number
    told = f"{rows_text(event.rows)} {event.seconds:>7.2f} s {rate:>16}"
    eta = f", {left:.0f} s left" if event.number < event.total else ""
    return f"     {event.name} {batch_name(event.batch)} {event.number}/{event.total} {told}{eta}"


def trouble_line(event: BatchRetried | Retried | BatchCrowded | BatchSplit) -> str:
    """Why something is tried again, or a batch alone, or in parts."""
    part = event.part if isinstance(event, Retried) else batch_name(event.batch)
    where = f"{event.name} {part}".strip()
    cause = event.cause.splitlines()[0]
    if isinstance(event, BatchCrowded):
        return f"{where} does not fit into memory beside others, now alone, then {event.at_once} at once: {cause}"
    if not isinstance(event, BatchSplit):
        return f"{where}: attempt {event.attempt} failed, next one in {event.pause:.1f} s: {cause}"
    parts = " and ".join(map(batch_name, event.parts))
    return f"{where} is too large for memory, now {parts}: {cause}"


def forecast_table(models: Sequence[Mapping[str, Any]]) -> Table:
    """What a refresh would do: one row for each batch, one for each relation that is built whole."""
    rows: list[tuple[Any, ...]] = []
    for model in models:
        batches = model.get("batches", ())
        if model["build"] == "whole":
            rows.append((model["name"], "whole", model["reason"], None))
        elif batches is None:
            rows.append((model["name"], "?", "known when its inputs are built", None))
        elif not batches:
            rows.append((model["name"], "none", f"{count_of(model['up_to_date'], 'month')} up to date", None))
        for batch in batches or ():
            why = f"{batch['reason']}: {batch['detail']}" if batch["detail"] else batch["reason"]
            name = batch_name(Batch(batch["start"], batch["end"], batch["stage"]))
            rows.append((model["name"], name, why, batch["rows"]))
    return Table(("model", "batch", "why", "input rows"), tuple(rows))
