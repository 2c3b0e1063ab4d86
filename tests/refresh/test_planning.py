"""What is stale, why, and in which batches: no engine, no files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure_cli.batches import (
    BatchPlan,
    Day,
    Days,
    Seen,
    StagedBatch,
    StagedStatus,
    Why,
    days_of,
    days_text,
    halves,
    length,
    month_of,
    read_days,
    without,
)
from measure_cli.refresh import Subject, Wishes, plan_batches
from measure_cli.results import Table
from measure_cli.types import Batch, Reach

AS_OF = date(2024, 7, 16)
SUBJECT = Subject("fct", "d" * 32, AS_OF, lookback=Reach(59), has_table=True)


def seen(days: Days, name: str = "touches") -> list[Seen]:
    return [Seen(name, "v", days)]


def on(*days: date) -> dict[date | None, Day]:
    return {day: Day(1, "x") for day in days}


def after(subject: Subject, plan: BatchPlan, days: Days) -> Subject:
    """The subject once a plan is published."""
    gone = {month.start for month in plan.dropped}
    months = {start: mark for start, mark in subject.months.items() if start not in gone}
    months |= {month.month.start: month.fingerprint for month in plan.months}
    return replace(subject, months=months, before={"touches": days})


def stale(subject: Subject, days: Days) -> dict[str, Why]:
    return {f"{month.month.start:%Y-%m}": month.why for month in plan_batches(subject, seen(days)).months}


def built(days: Days, **changes: object) -> Subject:
    subject = replace(SUBJECT, **changes)  # type: ignore[arg-type]
    return after(subject, plan_batches(subject, seen(days)), days)


def test_the_first_plan_goes_from_the_first_day_to_the_last_that_sees_one() -> None:
    plan = plan_batches(SUBJECT, seen(on(date(2024, 1, 31), date(2024, 3, 2))))
    assert [month.month.start.month for month in plan.months] == [1, 2, 3, 4]  # 30 April looks back on 2 March
    assert {month.why for month in plan.months} == {Why.NEW}
    assert plan.is_full


def test_nothing_enters_on_or_after_as_of() -> None:
    plan = plan_batches(SUBJECT, seen(on(date(2024, 6, 1), date(2024, 9, 1))))
    assert plan.months[-1].batch == Batch(datetime(2024, 7, 1), datetime(2024, 7, 16))


def test_a_late_row_makes_those_months_stale_that_can_see_it() -> None:
    days = on(*(date(2024, month, 10) for month in range(1, 8)))
    late = {**days, date(2024, 3, 2): Day(1, "late")}
    assert stale(built(days), days) == {}
    assert stale(built(days), late) == {"2024-03": Why.INPUT, "2024-04": Why.LOOKBACK}
    # 1 May - 59 days is 3 March: the first day that no longer sees 2 March
    assert stale(built(days), {**days, date(2024, 3, 3): Day(1, "late")}) == {
        "2024-03": Why.INPUT,
        "2024-04": Why.LOOKBACK,
        "2024-05": Why.LOOKBACK,
    }
    month = plan_batches(built(days), seen(late)).months[1]
    assert month.detail == "touches on 2024-03-02"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"definition": "e" * 32}, Why.DEFINITION),
        ({"is_full": True}, Why.FULL),
        ({"wishes": Wishes(start=date(2024, 1, 1))}, Why.ASKED),
        ({"has_table": False}, Why.NEW),
        ({"months": {}}, Why.NEW),
    ],
)
def test_reasons_for_all_months(changes: dict[str, object], why: Why) -> None:
    days = on(date(2024, 5, 10), date(2024, 6, 10))
    assert set(stale(replace(built(days), **changes), days).values()) == {why}  # type: ignore[arg-type]


def test_asked_for_are_the_months_of_the_interval() -> None:
    days = on(date(2024, 1, 10), date(2024, 6, 10))
    subject = replace(built(days), wishes=Wishes(start=date(2024, 2, 20), end=date(2024, 4, 1)))
    assert stale(subject, days) == {"2024-02": Why.ASKED, "2024-03": Why.ASKED}


def test_undated_rows_are_seen_by_every_month() -> None:
    days: Days = {**on(date(2024, 5, 10), date(2024, 6, 10)), None: Day(3, "x")}
    changed: Days = {**days, None: Day(3, "y")}
    assert set(stale(built(days), changed)) == {"2024-05", "2024-06", "2024-07"}


def test_a_month_that_loses_all_rows_is_built_again_as_empty() -> None:
    days = on(date(2024, 1, 10), date(2024, 6, 10))
    assert "2024-01" in stale(built(days), on(date(2024, 6, 10)))


def test_a_later_start_drops_months_and_tells_what_is_cut() -> None:
    days = on(date(2024, 1, 10), date(2024, 5, 10))
    plan = plan_batches(replace(built(days), start=date(2024, 4, 20), lookback=Reach(0)), seen(days))
    assert [month.start.month for month in plan.dropped] == [1, 2, 3]
    assert plan.months[0].batch.start == datetime(2024, 4, 20)
    assert plan.notices == (
        "fct: 1 rows of touches before 2024-04-20 are not read, because the model starts on 2024-04-20",
    )


def test_what_waits_in_the_stage_is_not_computed_again() -> None:
    days = on(*(date(2024, month, 10) for month in (3, 4, 5, 6)))
    months = plan_batches(SUBJECT, seen(days)).months
    half = Batch(datetime(2024, 4, 1), datetime(2024, 4, 16))
    staged = [
        StagedBatch(months[0].batch, months[0].fingerprint, StagedStatus.DONE),
        StagedBatch(half, months[1].fingerprint, StagedStatus.DONE),
        StagedBatch(months[2].batch, "of other rows", StagedStatus.DONE),
        StagedBatch(months[3].batch, months[3].fingerprint, StagedStatus.FAILED),
    ]
    plan = plan_batches(replace(SUBJECT, staged=staged), seen(days))
    assert plan.done == tuple(staged[:2])
    assert plan.batches[0] == Batch(datetime(2024, 4, 16), datetime(2024, 5, 1))
    assert plan.batches[1].start == datetime(2024, 5, 1)
    assert [month.why for month in plan.months] == [Why.NEW, Why.NEW, Why.NEW, Why.FAILED, Why.NEW]
    again = plan_batches(replace(SUBJECT, staged=staged, wishes=Wishes(restart=True)), seen(days))
    assert again.done == ()


def test_batches_hold_neighbours() -> None:
    days = on(*(date(2024, month, 10) for month in (1, 2, 3, 4, 5, 6)))
    plan = plan_batches(replace(SUBJECT, lookback=Reach(0), wishes=Wishes(batch_months=4)), seen(days))
    assert [(batch.start.month, batch.end.month) for batch in plan.batches] == [(1, 5), (5, 7)]


def test_months_without_rows_need_no_batch_of_their_own() -> None:
    plan = plan_batches(replace(SUBJECT, lookback=Reach(0)), seen(on(date(2001, 1, 10), date(2024, 5, 10))))
    assert len(plan.months) == 23 * 12 + 5
    assert len(plan.batches) == 2


def test_without_any_rows_there_is_nothing_to_do() -> None:
    assert plan_batches(SUBJECT, seen({})) == BatchPlan("fct", is_full=True, seen=tuple(seen({})))


some_days = st.dictionaries(
    st.dates(date(2023, 11, 1), date(2024, 8, 31)), st.builds(Day, st.integers(1, 3), st.sampled_from("ab")), max_size=8
)


@settings(deadline=None, max_examples=150)
@given(some_days, some_days, st.integers(0, 70), st.integers(1, 5))
def test_stale_is_exactly_what_sees_a_change(before: Days, now: Days, lookback: int, months: int) -> None:
    subject = built(before, lookback=Reach(lookback), wishes=Wishes(batch_months=months))
    plan = plan_batches(subject, seen(now))
    changed = {day for day in (*before, *now) if before.get(day) != now.get(day) and day and day < AS_OF}
    for start in subject.months:
        month = month_of(start)
        visible = {
            day
            for day in changed
            if month.start - timedelta(days=lookback) <= datetime(day.year, day.month, day.day) < month.end
        }
        assert bool(visible) == any(one.month == month for one in plan.months)
    for one in plan.months:
        assert (one.why is Why.NEW) == (one.month.start not in subject.months)
    covered = [day for batch in plan.batches for day in days_within(batch)]
    assert covered == sorted(day for one in plan.months for day in days_within(one.part))
    for one in plan.months:
        first_seen = {day: day.date() - timedelta(days=lookback) for day in days_within(one.batch)}
        due = {day for day, first in first_seen.items() if any(first <= seen <= day.date() for seen in changed)}
        if one.month.start in subject.months:  # all days that see a change, and none before the first or after the last
            assert (one.part.start, one.part.end) == (min(due), max(due) + timedelta(days=1))
        else:
            assert due <= set(days_within(one.part))
    assert {day for interval in plan.replaced for day in days_within(interval)} >= set(covered)
    assert plan_batches(after(subject, plan, now), seen(now)).months == ()


@settings(deadline=None, max_examples=150)
@given(some_days, some_days, some_days, some_days, st.integers(0, 70), st.integers(0, 40))
def test_what_sees_a_change_depends_on_the_input(
    touches: Days, orders: Days, new_touches: Days, new_orders: Days, lookback: int, lookahead: int
) -> None:
    subject = replace(SUBJECT, lookback=Reach(of={"touches": lookback}), lookahead=Reach(of={"orders": lookahead}))
    before, now = {"touches": touches, "orders": orders}, {"touches": new_touches, "orders": new_orders}
    first = plan_batches(subject, [Seen(name, "v", days) for name, days in before.items()])
    subject = replace(subject, months={one.month.start: one.fingerprint for one in first.months}, before=before)
    plan = plan_batches(subject, [Seen(name, "v", days) for name, days in now.items()])
    due = set()
    for name, back, ahead in (("touches", lookback, 0), ("orders", 0, lookahead)):
        for day in {*before[name], *now[name]}:
            if day and day < AS_OF and before[name].get(day) != now[name].get(day):
                due |= {day + timedelta(days=number) for number in range(-ahead, back + 1)}
    held = {day for start in subject.months for day in days_within(month_of(start)) if day.date() < AS_OF}
    built_days = {day for batch in plan.batches for day in days_within(batch)}
    assert {day for day in held if day.date() in due} <= built_days
    for one in plan.months:
        if one.month.start in subject.months:
            inside = [day for day in days_within(one.batch) if day.date() in due]
            assert (one.part.start, one.part.end) == (min(inside), max(inside) + timedelta(days=1))


def days_within(batch: Batch) -> list[datetime]:
    return [batch.start + timedelta(days=number) for number in range(length(batch))]


@given(st.dates(date(2023, 1, 1), date(2025, 1, 1)), st.integers(1, 400))
def test_halving_ends_in_days(start: date, days: int) -> None:
    first = datetime(start.year, start.month, start.day)
    left, found = [Batch(first, first + timedelta(days=days))], 0
    while left:
        batch = left.pop()
        if parts := halves(batch):
            assert (parts[0].start, parts[0].end, parts[1].end) == (batch.start, parts[1].start, batch.end)
            left += parts
        else:
            assert length(batch) == 1
            found += 1
    assert found == days


def test_what_is_left_of_an_interval() -> None:
    month = month_of(date(2024, 3, 5))
    middle = Batch(datetime(2024, 3, 10), datetime(2024, 3, 20))
    assert without(month, [middle]) == (Batch(month.start, middle.start), Batch(middle.end, month.end))
    assert without(month, [month]) == ()
    assert without(month, []) == (month,)


def test_days_survive_their_record() -> None:
    found = days_of(Table(("day", "n", "content"), (("2024-01-01", 2, "7"), (None, 1, "8"), ("infinity", 1, "9"))))
    assert found == {date(2024, 1, 1): Day(2, "7"), None: Day(2, "9,8")}
    assert read_days(days_text(found)) == found


def test_a_month_that_looks_ahead_sees_days_after_it_but_none_from_as_of() -> None:
    subject, days = replace(SUBJECT, lookback=Reach(0)), on(*(date(2024, month, 10) for month in range(3, 8)))
    ahead = built(days, lookback=Reach(0), lookahead=Reach(30))
    assert stale(built(days, lookback=Reach(0)), {**days, date(2024, 5, 30): Day(1, "new")}) == {"2024-05": Why.INPUT}
    # the last entry of April is on the 30th: 30 days later is 30 May
    assert stale(ahead, {**days, date(2024, 5, 30): Day(1, "new")}) == {"2024-04": Why.LOOKAHEAD, "2024-05": Why.INPUT}
    assert stale(ahead, {**days, date(2024, 5, 31): Day(1, "new")}) == {"2024-05": Why.INPUT}
    assert stale(ahead, {**days, AS_OF: Day(1, "new")}) == {}
    assert stale(ahead, {**days, date(2024, 7, 15): Day(1, "new")}) == {"2024-06": Why.LOOKAHEAD, "2024-07": Why.INPUT}
    # a month before all input may hold rows of which a later day is a part
    assert plan_batches(replace(subject, lookahead=Reach(30)), seen(days)).months[0].month == month_of(date(2024, 2, 1))


UNDATED = date(1970, 1, 1)


def test_what_has_no_day_is_seen_by_the_month_it_is_filed_under_alone() -> None:
    days: Days = {**on(date(2024, 5, 10), date(2024, 6, 10)), None: Day(3, "x")}
    files = built(days, undated=UNDATED, lookback=Reach(0))
    assert stale(files, {**days, None: Day(3, "y")}) == {"1970-01": Why.INPUT}
    assert stale(files, {**days, date(2024, 6, 10): Day(2, "y")}) == {"2024-06": Why.INPUT}
    plan = plan_batches(replace(SUBJECT, undated=UNDATED, lookback=Reach(0)), seen(days))
    assert [(f"{month.month.start:%Y-%m}", month.rows) for month in plan.months] == [
        ("1970-01", 3), ("2024-05", 1), ("2024-06", 1),
    ]  # fmt: skip


def test_what_has_no_days_at_all_is_seen_by_every_month_even_so() -> None:
    kinds: Days = {None: Day(0, "x")}
    inputs = [*seen(on(date(2024, 5, 10), date(2024, 6, 10))), *seen(kinds, "kinds")]
    subject = replace(SUBJECT, undated=UNDATED, lookback=Reach(0), dayless=frozenset({"kinds"}))
    plan = plan_batches(subject, inputs)
    ready = replace(after(subject, plan, inputs[0].days), before={one.relation: one.days for one in inputs})
    assert plan_batches(ready, inputs).months == ()
    changed = plan_batches(ready, [inputs[0], *seen({None: Day(0, "y")}, "kinds")])
    assert [f"{month.month.start:%Y-%m}" for month in changed.months if month.rows] == ["2024-05", "2024-06"]
    assert all(month.part == month.batch for month in changed.months)


def test_the_last_row_without_a_day_leaves_an_empty_month_behind() -> None:
    dated = on(date(2024, 5, 10))
    files = built({**dated, None: Day(3, "x")}, undated=UNDATED, lookback=Reach(0))
    assert stale(files, dated) == {"1970-01": Why.INPUT}
    assert stale(after(files, plan_batches(files, seen(dated)), dated), dated) == {}


@pytest.mark.parametrize("text", ["infinity", "1899-12-31", "2299-01-01", "10000-01-01", "0044-03-15 (BC)"])
def test_days_that_not_every_engine_knows_are_none(text: str) -> None:
    found = days_of(Table(("day", "n", "content"), ((text, 1, "9"), ("1900-01-01", 1, "7"), ("2298-12-31", 1, "7"))))
    assert found == {None: Day(1, "9"), date(1900, 1, 1): Day(1, "7"), date(2298, 12, 31): Day(1, "7")}
