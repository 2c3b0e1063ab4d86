"""What a refresh would do, without doing it: relations that it would build are read as the SELECT that builds them.

What an incremental model would hold cannot be read that way. It is read as it is published, and the days that would be
replaced are in doubt: months that see only those may turn out to be up to date after all. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from measure_cli.batch_steps import BatchSteps
from measure_cli.batches import BatchPlan, Day, Days, Why, is_within, months_between, overlap
from measure_cli.catalog import Relation, key_of
from measure_cli.ddl.duckdb import rows_select
from measure_cli.kinds import Materialization
from measure_cli.materialize import Names, by_key, run_parents
from measure_cli.steps import Plan
from measure_cli.types import Batch

EVER = Batch(datetime.min, datetime.max)
DOUBT = Day(0, "?")


@dataclass(frozen=True, slots=True)
class InlinedNames(Names):
    """Names for looking only: what the run would stage is written out, except for incremental models."""

    source_select: Callable[[Relation], str]

    def in_run(self, key: str) -> str:
        """A SELECT in brackets, or the published relation."""
        if not self.is_inlined(key):
            return super(InlinedNames, self).in_run(key) if key not in self.staged else self.published_name(key)
        relation = self.relations[key]
        if relation.registry is not None:
            return f"({rows_select(relation.columns, relation.registry.rows)})"
        if relation.compiled is None:
            return f"({self.source_select(relation)})"
        return f"({relation.compiled.sql(by_key(self.in_run))})"

    def is_inlined(self, key: str) -> bool:
        """Whether a relation is written out: it would be built, and the engine can run what builds it as a query."""
        relation = self.relations[key]
        can = self.ddl.reads_files or relation.compiled is not None
        return key in self.staged and relation.batched is None and can

    def secrets_in(self, key: str) -> tuple[str, ...]:
        """The secrets of all that is written out."""
        compiled = self.relations[key].compiled
        is_ephemeral = self.relations[key].config.materialized is Materialization.EPHEMERAL
        if compiled is None or not (is_ephemeral or self.is_inlined(key)):
            return ()
        below = (name for reference in compiled.relations for name in self.secrets_in(key_of(reference)))
        return tuple(dict.fromkeys((*compiled.secrets, *below)))


def doubts(key: str, names: InlinedNames, plans: Mapping[str, BatchPlan]) -> tuple[Batch, ...]:
    """The intervals of a relation that would not be what they look like now."""
    relation = names.relations[key]
    if key in plans:
        return plans[key].replaced
    if key not in names.staged:
        return ()
    if not names.is_inlined(key):
        return (EVER,)
    below = (batch for parent in run_parents(relation, names.relations) for batch in doubts(parent, names, plans))
    return tuple(dict.fromkeys(below))


def read_as_published(key: str, names: InlinedNames) -> set[str]:
    """The relations that have to stand in the target for a relation to be read."""
    if not names.is_inlined(key):
        return {key}
    parents = run_parents(names.relations[key], names.relations)
    return set().union(*(read_as_published(parent, names) for parent in parents))


def planned_days(key: str, names: InlinedNames, plans: Mapping[str, BatchPlan]) -> Days | None:
    """Days in the place of those of a relation that cannot be read: the months that would be built. None: unknown."""
    intervals = doubts(key, names, plans)
    if not intervals or EVER in intervals:
        return None
    days: dict[date | None, Day] = {}
    for plan in plans.values():
        for month in plan.months:
            if any(overlap(month.replaced, interval) for interval in intervals):
                days.setdefault(month.part.start.date(), Day(month.rows, "planned"))
    return days


def doubted(days: Days, intervals: Sequence[Batch], has_days: bool) -> Days:
    """The days of a relation, those within some intervals made different from any day."""
    if not intervals:
        return days
    if not has_days or EVER in intervals:
        return {**dict.fromkeys(days, DOUBT), None: DOUBT}
    found: dict[date | None, Day] = {
        day: Day(facts.rows, DOUBT.content) if any(is_within(day, interval) for interval in intervals) else facts
        for day, facts in days.items()
    }
    for one in intervals:
        for month in months_between(one.start, one.end):
            found.setdefault(max(month.start, one.start).date(), DOUBT)
    return found


def forecast(writer: BatchSteps, days: Mapping[str, Days], plans: Mapping[str, BatchPlan]) -> BatchPlan:
    """What is stale for sure, and what may be."""
    names = writer.names
    assert isinstance(names, InlinedNames)
    unsure = {
        parent: doubted(found, doubts(parent, names, plans), bool(names.relations[parent].config.time_column))
        for parent, found in days.items()
    }
    sure, widest = writer.plan(days), writer.plan(unsure)
    certain = {month.month: month for month in sure.months}
    months = tuple(
        replace(certain[month.month], fingerprint=month.fingerprint, rows=month.rows, stale=month.stale)
        if month.month in certain
        else replace(month, why=Why.UNSURE, detail="")
        for month in widest.months
    )
    return replace(widest, months=months)


def as_data(name: str, is_whole: bool, plan: BatchPlan | None) -> dict[str, Any]:
    """One relation that would be built. Where it is not known what is stale, there are no batches and no count."""
    if is_whole:
        return {"name": name, "build": "whole"}
    if plan is None:
        return {"name": name, "build": "batches", "batches": None, "up_to_date": None}
    batches = [
        {
            "start": batch.start,
            "end": batch.end,
            "stage": batch.stage,
            "reason": plan.why(batch).why.value,
            "detail": plan.why(batch).detail,
            "rows": plan.rows_of(batch),
        }
        for batch in plan.batches
    ]
    return {"name": name, "build": "batches", "batches": batches, "up_to_date": plan.kept}


def steps_by_name(plan: Plan) -> dict[str, BatchSteps]:
    """The writers of the incremental models of a plan."""
    return {step.key: step.batches for step in plan.steps if isinstance(step.batches, BatchSteps)}
