"""What is stale in an incremental model, why, and in which batches it is built: data in, `BatchPlan` out. Pure.

A month is made from the days of its inputs that it can see: from `lookback` days before it to `lookahead` days after
it, which may differ from input to input, and none on or after `as_of`. Its fingerprint is a hash of the model's
definition and of these days, so a row that comes late, changes or goes makes exactly those months stale that can see
its day, and no watermark has to be trusted. Of a stale month only those days are built that can see a changed one,
where it is known what the month was built from.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from measure_cli.batches import (
    REST,
    BatchPlan,
    Days,
    PlannedMonth,
    Seen,
    StagedBatch,
    StagedStatus,
    Why,
    midnight,
    month_of,
    months_between,
    overlap,
)
from measure_cli.catalog import digest
from measure_cli.cutting import cut_into_batches
from measure_cli.errors import ProjectError
from measure_cli.types import OWN_DAY, Batch, Reach

DAYS_NAMED = 2


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user asks of a refresh: how many months at once, an interval to build again, a fresh start."""

    batch_months: int = 1
    start: date | None = None
    end: date | None = None
    restart: bool = False

    @property
    def forced(self) -> Batch | None:
        """The interval to build again whatever its inputs are."""
        if self.start is None and self.end is None:
            return None
        start, end = self.start or date.min, self.end or date.max
        return Batch(midnight(start), midnight(end))


def wishes(batch_months: int, start: datetime | None, end: datetime | None, restart: bool) -> Wishes:
    """What the options of the command mean.

    Raises:
        ProjectError: the interval is empty.
    """
    if start and end and start >= end:
        raise ProjectError(f"--start {start:%Y-%m-%d} --end {end:%Y-%m-%d}: the end must come after the start")
    return Wishes(batch_months, start.date() if start else None, end.date() if end else None, restart)


@dataclass(frozen=True, slots=True)
class Subject:
    """An incremental model before its inputs are looked at.

    `months` is the ledger: first moment of a month -> fingerprint. `staged` waits from a run before. `before` are the
    inputs as they were seen last, `dayless` those that have no days at all. `has_table`: there is a published table of
    which parts can stay.
    """

    relation: str
    definition: str
    as_of: date
    lookback: Reach = OWN_DAY
    lookahead: Reach = OWN_DAY
    undated: date | None = None
    start: date | None = None
    months: Mapping[datetime, str] = field(default_factory=dict)
    staged: Sequence[StagedBatch] = ()
    before: Mapping[str, Days] = field(default_factory=dict)
    dayless: frozenset[str] = frozenset()
    has_table: bool = False
    is_full: bool = False
    wishes: Wishes = Wishes()
    stage_by: str | None = None
    stages: tuple[str, ...] = ()

    @property
    def cut(self) -> str:
        """What changes with the stages: batches that were cut by others do not fit between those of this run."""
        return f".{digest(self.stage_by, sorted(self.stages))[:8]}" if self.stages else ""


class Input:
    """One input, its days in order."""

    def __init__(self, name: str, days: Days) -> None:
        self.name = name
        self.undated = days.get(None)
        self.days = sorted((day, facts) for day, facts in days.items() if day is not None)

    def within(self, start: date, end: date) -> list[tuple[str, int, str]]:
        """The days of an interval as plain facts."""
        first, last = (bisect_left(self.days, day, key=lambda entry: entry[0]) for day in (start, end))
        return [(day.isoformat(), facts.rows, facts.content) for day, facts in self.days[first:last]]

    def rows(self, start: date, end: date) -> int:
        """How many rows the days of an interval hold."""
        return sum(rows for _, rows, _ in self.within(start, end))


def plan_batches(subject: Subject, seen: Sequence[Seen]) -> BatchPlan:
    """Every month that is stale, grouped into batches; what waits in the stage already is not computed again."""
    inputs = [Input(one.relation, one.days) for one in seen]
    wanted = {month.start: planned(month, subject, inputs) for month in months_to_hold(subject, inputs)}
    is_new = not subject.has_table
    changed = {one.relation: changed_days(one.days, subject.before.get(one.relation)) for one in seen}
    before = inputs_before(subject, seen)
    stale = []
    for start, month in wanted.items():
        built = None if is_new else subject.months.get(start)
        why = reason(month, built, subject, changed)
        if why is not None:
            is_known = before is not None and built == planned(month.month, subject, before).fingerprint
            part = stale_part(month, subject, changed) if is_known else None
            rows = rows_within(part, inputs) if part else month.rows
            stale.append(PlannedMonth(month.month, month.batch, month.fingerprint, *why, rows, part))
    dropped = () if is_new else tuple(month_of(start) for start in subject.months if start not in wanted)
    stays = wanted.keys() - {month.month.start for month in stale}
    held = tuple(month.batch for start, month in wanted.items() if start in stays)
    done = () if subject.wishes.restart else tuple(waiting(stale, subject))
    return BatchPlan(
        relation=subject.relation,
        months=tuple(stale),
        held=held,
        dropped=dropped,
        done=done,
        batches=still_to_compute(stale, done, subject),
        is_full=not held and not any(month.stale for month in stale),
        seen=tuple(seen),
        notices=tuple(cut_rows(subject, inputs)),
        cut=subject.cut,
    )


def inputs_before(subject: Subject, seen: Sequence[Seen]) -> list[Input] | None:
    """The inputs as they were seen last; None unless it is known of all of them.

    An input without days that is not on record is taken for unchanged: if it is not, no month is what it says.
    """
    before = {**{one.relation: one.days for one in seen if one.relation in subject.dayless}, **subject.before}
    if any(one.relation not in before for one in seen):
        return None
    return [Input(one.relation, before[one.relation]) for one in seen]


def stale_part(month: PlannedMonth, subject: Subject, changed: Mapping[str, Sequence[date | None]]) -> Batch | None:
    """The days of a month that can see a changed day; None where that is all of it, or all of it is asked for."""
    forced = subject.wishes.forced
    if subject.is_full or (forced and overlap(forced, month.month)):
        return None
    if any(None in days and sees_undated(month.month, subject, name) for name, days in changed.items()):
        return None
    seen = {name: between(days, *seen_by(month.month, subject, name)) for name, days in changed.items()}
    first = [later(days[0], -subject.lookahead.into(name)) for name, days in seen.items() if days]
    last = [later(days[-1], subject.lookback.into(name) + 1) for name, days in seen.items() if days]
    if not first:
        return None
    part = overlap(Batch(midnight(min(first)), midnight(max(last))), month.batch)
    return part if part != month.batch else None


def rows_within(part: Batch, inputs: Sequence[Input]) -> int:
    """How many rows the inputs hold on some days."""
    return sum(one.rows(part.start.date(), part.end.date()) for one in inputs)


def months_to_hold(subject: Subject, inputs: Sequence[Input]) -> Iterator[Batch]:
    """Months that may hold rows: those that see something of an input, and those that the ledger knows."""
    apart = month_of(subject.undated) if subject.undated else None
    months = {month.start: month for month in months_of_days(subject, inputs, apart)}
    if apart and (apart.start in subject.months or any(one.undated for one in inputs)):
        months[apart.start] = apart
    for start in sorted(months):
        yield months[start]


def months_of_days(subject: Subject, inputs: Sequence[Input], apart: Batch | None) -> Iterator[Batch]:
    """From the first month to the last that may hold rows with a time."""
    dated = [one for one in inputs if one.days]
    known = [start.date() for start in subject.months if apart is None or start != apart.start]
    if not dated and not known:
        return
    first_seen = [later(one.days[0][0], -subject.lookahead.into(one.name)) for one in dated]
    begin = max(min([*first_seen, *known]), subject.start or date.min)
    last_seen = [later(one.days[-1][0], subject.lookback.into(one.name)) for one in dated]
    last = min(max([*last_seen, *known]), later(subject.as_of, -1))
    if begin <= last:
        yield from months_between(month_of(begin).start, midnight(last) + timedelta(microseconds=1))


def later(day: date, days: int) -> date:
    """A day so many days after another, or the last one there is."""
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


def planned(month: Batch, subject: Subject, inputs: Sequence[Input]) -> PlannedMonth:
    """A month with its fingerprint: `<definition>.<what it sees>`."""
    start = max(month.start, midnight(subject.start)) if subject.start else month.start
    end = min(month.end, midnight(subject.as_of))
    undated = [one.undated if sees_undated(month, subject, one.name) else None for one in inputs]
    sees = [
        (one.name, facts and (facts.rows, facts.content), one.within(*seen_by(month, subject, one.name)))
        for one, facts in zip(inputs, undated, strict=True)
    ]
    cut = start.isoformat() if start > month.start else None
    fingerprint = f"{subject.definition[:16]}.{digest(cut, sees)[:24]}"
    rows = rows_within(Batch(start, end), inputs)
    if files_undated(month, subject):
        rows += sum(one.undated.rows for one in inputs if one.undated and one.name not in subject.dayless)
    return PlannedMonth(month, Batch(start, end), fingerprint, Why.NEW, "", rows)


def seen_by(month: Batch, subject: Subject, name: str) -> tuple[date, date]:
    """The days of an input that a month can see: from the first to before the last."""
    first = later(month.start.date(), -subject.lookback.into(name))
    return first, min(later(month.end.date(), subject.lookahead.into(name)), subject.as_of)


def sees_undated(month: Batch, subject: Subject, name: str) -> bool:
    """Whether a month can see what has no day in an input: every one, unless the model files it under a day of its own.

    Of an input that has no days at all every month sees everything.
    """
    return subject.undated is None or name in subject.dayless or files_undated(month, subject)


def files_undated(month: Batch, subject: Subject) -> bool:
    """Whether a month holds the day under which the model files what has none."""
    return subject.undated is not None and month.start.date() <= subject.undated < month.end.date()


def reason(
    month: PlannedMonth, built: str | None, subject: Subject, changed: Mapping[str, Sequence[date | None]]
) -> tuple[Why, str] | None:
    """Why a month is stale, with details; None when it is not.

    `built` is its fingerprint in the ledger; it is empty where a run died that was to replace the month.
    """
    forced = subject.wishes.forced
    if subject.is_full:
        return Why.FULL, ""
    if built != month.fingerprint and any(
        one.status is StagedStatus.FAILED
        and one.fingerprint == month.fingerprint + subject.cut
        and overlap(one.batch, month.batch)
        for one in subject.staged
    ):
        return Why.FAILED, ""
    if not built:
        return Why.NEW, ""
    if built.partition(".")[0] != month.fingerprint.partition(".")[0]:
        return Why.DEFINITION, ""
    if built != month.fingerprint:
        return input_reason(month.month, subject, changed)
    return (Why.ASKED, "") if forced and overlap(forced, month.month) else None


def input_reason(month: Batch, subject: Subject, changed: Mapping[str, Sequence[date | None]]) -> tuple[Why, str]:
    """Which input changed on which days, as far as it is known what the days were before."""
    start, end = month.start.date(), month.end.date()
    found: tuple[Why, str] | None = None
    for name, days in changed.items():
        first, last = seen_by(month, subject, name)
        around = {Why.LOOKBACK: (first, start), Why.LOOKAHEAD: (end, last)}
        own = between(days, start, end)
        if own or (None in days and sees_undated(month, subject, name)):
            return Why.INPUT, f"{name}{named(own)}"
        for why, (begin, stop) in around.items():
            if seen := between(days, begin, stop):
                found = found or (why, f"{name}{named(seen)}")
    return found or (Why.INPUT, "")


def between(days: Sequence[date | None], start: date, end: date) -> list[date]:
    """Those days that lie in an interval."""
    return [day for day in days if day is not None and start <= day < end]


def named(days: Sequence[date]) -> str:
    """Some days, for people.

    >>> named([date(2024, 3, 5), date(2024, 3, 6), date(2024, 3, 7)])
    ' on 2024-03-05, 2024-03-06 and 1 more'
    """
    if not days:
        return ""
    more = f" and {len(days) - DAYS_NAMED} more" if len(days) > DAYS_NAMED else ""
    return f" on {', '.join(day.isoformat() for day in days[:DAYS_NAMED])}{more}"


def changed_days(now: Days, before: Days | None) -> list[date | None]:
    """The days on which an input is not what it was; none when it is not known what it was."""
    if before is None:
        return []
    changed = {day for day in (*now, *before) if now.get(day) != before.get(day)}
    dated = sorted(day for day in changed if day is not None)
    return [*dated, None] if None in changed else [*dated]


def waiting(stale: Sequence[PlannedMonth], subject: Subject) -> Iterator[StagedBatch]:
    """What the stage holds of the stale months, computed from what they see now."""
    wanted = {month.month.start: month for month in stale}
    for one in subject.staged:
        month = wanted.get(month_of(one.batch.start).start)
        if (
            one.status is StagedStatus.DONE
            and month
            and one.fingerprint == month.fingerprint + subject.cut
            and month.part.start <= one.batch.start
            and one.batch.end <= month.part.end
        ):
            yield one


def still_to_compute(stale: Sequence[PlannedMonth], done: Sequence[StagedBatch], subject: Subject) -> tuple[Batch, ...]:
    """The batches that do not wait in the stage: one interval after the other, each in its stages."""
    most, stages = subject.wishes.batch_months, (*subject.stages, REST) if subject.stages else (None,)
    found = [
        replace(batch, stage=stage)
        for stage in stages
        for batch in cut_into_batches(stale, [one.batch for one in done if one.batch.stage == stage], most)
    ]
    return tuple(sorted(found, key=lambda batch: batch.start))


def cut_rows(subject: Subject, inputs: Sequence[Input]) -> Iterator[str]:
    """What the configured start keeps out of the model."""
    if subject.start is None:
        return
    for one in inputs:
        first = later(subject.start, -subject.lookback.into(one.name))
        if rows := one.rows(date.min, first):
            yield (
                f"{subject.relation}: {rows:,} rows of {one.name} before {first} are not read, "
                f"because the model starts on {subject.start}"
            )
