"""Batches of an incremental model: the nouns that planning, execution and views share, and how an interval is cut.

A batch is a half-open interval of whole days, or one stage of it. Months are the grain of the ledger: a batch covers
several of them, or a part of one when it had to be split.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from measure_cli.results import Table
from measure_cli.types import Batch, Statement

# the placeholders that a batch binds
BATCH_START, BATCH_END, BATCH_STAGE, BATCH_AS_OF = "batch_start", "batch_end", "batch_stage", "batch_as_of"
CALENDAR_START, CALENDAR_END = date(1900, 1, 1), date(2299, 1, 1)  # the days that every engine knows
REST = ""  # the last stage: rows whose value is not declared, or NULL


class Why(StrEnum):
    """Why a month is built again."""

    NEW = "never built"
    DEFINITION = "SQL, macro or variable changed"
    INPUT = "input changed"
    LOOKBACK = "looks back on a changed day"
    LOOKAHEAD = "looks ahead to a changed day"
    ASKED = "asked for"
    FAILED = "failed before"
    FULL = "--full"
    UNSURE = "may change with its input"


class StagedStatus(StrEnum):
    """How far a batch has come that is not published yet."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one day of a relation: how many, and an order-free hash of what is read of them."""

    rows: int
    content: str


Days = Mapping[date | None, Day]
"""What a relation holds, day by day; under None what has no day: every month depends on it."""


@dataclass(frozen=True, slots=True)
class DayQueries:
    """How the days of a relation are found, the sum of those of its parts: some are known, others are asked.

    `are_files`: the parts are files, whose days are worth a record.
    """

    asked: Mapping[str, Statement]
    known: Mapping[str, Days] = field(default_factory=dict)
    are_files: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A relation as an incremental model has seen it: `version` changes with the relation and with what is read.

    `parts` are the days of its files, by what changes with the file.
    """

    relation: str
    version: str
    days: Days
    parts: Mapping[str, Days] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """An interval that a run has planned, computed or failed to compute, not published yet."""

    batch: Batch
    fingerprint: str
    status: StagedStatus


@dataclass(frozen=True, slots=True)
class PlannedMonth:
    """A month to be built: `batch` is the part of it that may hold rows.

    `stale` are those days of it that may not be what is published; None: the whole month. `rows` is what the inputs
    hold on the days to be built. `is_same`: they were built, and are what is published.
    """

    month: Batch
    batch: Batch
    fingerprint: str
    why: Why
    detail: str = ""
    rows: int = 0
    stale: Batch | None = None
    is_same: bool = False

    @property
    def part(self) -> Batch:
        """What is computed."""
        return self.stale or self.batch

    @property
    def replaced(self) -> Batch:
        """What is taken out of the published table."""
        return self.stale or self.month


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What a refresh does to one incremental model.

    `months` are stale, `held` are the parts of those that are not which may hold rows, `dropped` are months that must
    not hold rows any more; `done` waits in the stage already, `batches` are still to be computed. `is_full`: nothing of
    the published table stays. `seen` is what the months were planned from. `cut`
    tells apart batches that were cut by other stages.
    """

    relation: str
    months: tuple[PlannedMonth, ...] = ()
    held: tuple[Batch, ...] = ()
    dropped: tuple[Batch, ...] = ()
    done: tuple[StagedBatch, ...] = ()
    batches: tuple[Batch, ...] = ()
    is_full: bool = False
    seen: tuple[Seen, ...] = ()
    notices: tuple[str, ...] = ()
    cut: str = ""

    @property
    def kept(self) -> int:
        """How many months stay as they are."""
        return len(self.held)

    @property
    def replaced(self) -> tuple[Batch, ...]:
        """The intervals of the published table that are replaced, as few as possible."""
        changed = (month.replaced for month in self.months if not month.is_same)
        return joined(sorted((*changed, *self.dropped), key=lambda batch: batch.start))

    @property
    def is_same(self) -> bool:
        """Whether the relation holds what is published."""
        return not self.is_full and not self.replaced

    def built_on(self, day: date | None) -> PlannedMonth | None:
        """The month that a day was built for."""
        return next((month for month in self.months if is_within(day, month.replaced)), None)

    @property
    def replaced_months(self) -> tuple[Batch, ...]:
        """The months of the ledger that these intervals lie in, as few intervals as possible."""
        return joined(sorted((*(month.month for month in self.months), *self.dropped), key=lambda batch: batch.start))

    def pieces(self, batch: Batch) -> tuple[tuple[Batch, str], ...]:
        """A batch cut at the borders of months, each part with the fingerprint that it waits under."""
        parts = ((month, overlap(batch, month.part)) for month in self.months)
        return tuple((part, month.fingerprint + self.cut) for month, part in parts if part)

    def rows_of(self, batch: Batch) -> int:
        """About how many rows of the inputs a batch is made from."""
        return sum(month.rows for month in self.months if overlap(batch, month.batch))

    def why(self, batch: Batch) -> PlannedMonth:
        """The first month of a batch, for its reason."""
        return next(month for month in self.months if overlap(batch, month.batch))


class BatchWriter(Protocol):
    """What planning leaves to be decided during a run, when the inputs of an incremental model are built."""

    @property
    def is_whole(self) -> bool:
        """Whether the model is built by one statement; months are recorded then, and not built one by one."""

    def day_queries(self) -> Mapping[str, DayQueries]:
        """For the inputs whose days are not known yet, the queries that tell them: day, rows, content."""

    def plan(self, days: Mapping[str, Days]) -> BatchPlan:
        """What is stale, given what the queries found."""

    def open(self, plan: BatchPlan) -> Sequence[Statement]:
        """Make the stage hold exactly what waits in it."""

    def insert(self, batch: Batch, replaces: bool) -> Sequence[Statement]:
        """Write one batch into the stage; `replaces`: some of its rows may be there already."""

    def count(self, batch: Batch) -> Statement:
        """Count the rows of a batch in the stage."""

    def overlay(self, plan: BatchPlan) -> Overlay:
        """What the batches of a plan make of the relation, when they are computed."""


class Overlay(Protocol):
    """What an incremental model becomes by the batches of a plan."""

    def comparison(self) -> tuple[Statement, Statement] | None:
        """The days of what waits in the stage, and of what it would replace, all columns; None if all is replaced."""

    def days_after(self) -> DayQueries | None:
        """What is known of the days of the relation; None if all have to be queried."""

    def rows(self) -> Statement | None:
        """Count what the relation will hold, without reading all of it; None if nothing of it stays."""

    def view(self) -> Statement:
        """Make the relation as it will be readable to this run."""

    def publish(self) -> Sequence[Statement]:
        """Replace what is stale in the published table by the stage."""


# -- intervals --------------------------------------------------------------------------------------------------------


def midnight(day: date) -> datetime:
    """The first moment of a day."""
    return datetime(day.year, day.month, day.day)


def month_of(moment: date) -> Batch:
    """The month that a moment lies in.

    >>> month_of(date(2024, 12, 24)).end
    datetime.datetime(2025, 1, 1, 0, 0)
    """
    start = datetime(moment.year, moment.month, 1)
    if (start.year, start.month) == (9999, 12):
        return Batch(start, datetime.max)
    return Batch(start, datetime(start.year + start.month // 12, start.month % 12 + 1, 1))


def months_between(start: datetime, end: datetime) -> Iterator[Batch]:
    """The months that an interval touches."""
    while start < end:
        month = month_of(start)
        yield month
        start = month.end


def overlap(one: Batch, other: Batch) -> Batch | None:
    """The common part of two intervals, in the stage of the first."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Batch(start, end, one.stage) if start < end else None


def is_within(day: date | None, batch: Batch) -> bool:
    """Whether a day lies in an interval."""
    return day is not None and batch.start.date() <= day < batch.end.date()


def joined(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Sorted intervals, those that touch made one.

    >>> joined([month_of(date(2024, 1, 1)), month_of(date(2024, 2, 1))])[0].end
    datetime.datetime(2024, 3, 1, 0, 0)
    """
    result: list[Batch] = []
    for batch in batches:
        if result and result[-1].end >= batch.start:
            result[-1] = Batch(result[-1].start, max(result[-1].end, batch.end))
        else:
            result.append(batch)
    return tuple(result)


def without(batch: Batch, taken: Sequence[Batch]) -> tuple[Batch, ...]:
    """What is left of an interval when others are taken away."""
    left, start = [], batch.start
    for other in sorted(taken, key=lambda taken: taken.start):
        if start < other.start < batch.end:
            left.append(Batch(start, other.start))
        start = max(start, min(other.end, batch.end))
    return (*left, Batch(start, batch.end)) if start < batch.end else tuple(left)


def length(batch: Batch) -> int:
    """Days of an interval."""
    return (batch.end - batch.start).days


def halves(batch: Batch) -> tuple[Batch, Batch] | None:
    """Two parts of an interval, cut between months if it has several; None for a day.

    >>> [length(half) for half in halves(month_of(date(2024, 3, 1)))]
    [15, 16]
    """
    months = [month.start for month in months_between(batch.start, batch.end)]
    if len(months) > 1:
        middle = months[len(months) // 2]
    elif length(batch) > 1:
        middle = batch.start + timedelta(days=length(batch) // 2)
    else:
        return None
    return replace(batch, end=middle), replace(batch, start=middle)


def days_of(found: Table) -> dict[date | None, Day]:
    """The answer to a query of days, in any order; days that no calendar has are none."""
    days: dict[date | None, Day] = {}
    for text, rows, content in sorted(found.rows, key=str):
        day = calendar_day(text)
        before = days.get(day)
        days[day] = Day(before.rows + rows, f"{before.content},{content}") if before else Day(rows, str(content))
    return days


def sum_of(parts: Iterable[Days]) -> Days:
    """The days of several parts of a relation: hashes are sums, and are added."""
    total: dict[date | None, Day] = {}
    for days in parts:
        for day, facts in days.items():
            before = total.get(day)
            total[day] = Day(before.rows + facts.rows, added(before.content, facts.content)) if before else facts
    return total


def added(one: str, other: str) -> str:
    """The hash of what has either hash; those that are no numbers stand side by side.

    >>> added("40", "2"), added("7,7", "1")
    ('42', '1,7,7')
    """
    try:
        return str(int(one) + int(other))
    except ValueError:
        return ",".join(sorted((one, other)))


def days_text(days: Days) -> str:
    """Days as text, for the record."""
    facts = {day.isoformat() if day else "": (one.rows, one.content) for day, one in days.items()}
    return json.dumps(facts, separators=(",", ":"))


@lru_cache
def read_days(text: str) -> Days:
    """Days from the text that `days_text` wrote; a run reads the record before and after it takes the lease."""
    return {calendar_day(day): Day(*facts) for day, facts in json.loads(text).items()}


def parts_text(parts: Mapping[str, Days]) -> str:
    """The days of several parts as text, for the record."""
    return json.dumps({part: days_text(days) for part, days in parts.items()})


def read_parts(text: str) -> dict[str, Days]:
    """Parts from the text that `parts_text` wrote."""
    return {part: read_days(days) for part, days in json.loads(text).items()}


def calendar_day(text: str | None) -> date | None:
    """A day as the engine writes it; None for one that not every engine knows, such as infinity."""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day and CALENDAR_START <= day < CALENDAR_END else None
