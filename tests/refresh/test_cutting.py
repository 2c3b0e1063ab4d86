"""The batches in which stale months are computed: all of their days, each once, at most so many months in one."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from measure_cli.batches import PlannedMonth, Why, length, month_of, months_between, overlap
from measure_cli.cutting import cut_into_batches
from measure_cli.types import Batch

BEGIN = datetime(2023, 1, 1)
LONGEST_MONTH = 31


def stale(start: date, end: date, rows: int = 9) -> list[PlannedMonth]:
    """The months of some days, each with those of its own."""
    days = Batch(datetime(start.year, start.month, start.day), datetime(end.year, end.month, end.day))
    months = list(months_between(days.start, days.end))
    return [PlannedMonth(month, month, "f", Why.INPUT, rows=rows, stale=overlap(days, month)) for month in months]


def texts(batches: list[Batch]) -> list[str]:
    return [f"{batch.start:%m-%d}..{batch.end:%m-%d}" for batch in batches]


def test_days_around_a_month_are_batches_of_the_size_of_one() -> None:
    months = stale(date(2024, 6, 12), date(2024, 8, 12))
    assert texts(list(cut_into_batches(months, [], 1))) == ["06-12..07-12", "07-12..08-12"]
    assert texts(list(cut_into_batches(months, [], 2))) == ["06-12..08-12"]
    assert len(list(cut_into_batches(stale(date(2024, 6, 13), date(2024, 8, 14)), [], 1))) == 2
    assert len(list(cut_into_batches(stale(date(2024, 6, 13), date(2024, 8, 15)), [], 1))) == 3


def test_whole_months_stay_whole() -> None:
    months = stale(date(2023, 1, 15), date(2024, 1, 1))
    batches = list(cut_into_batches(months, [], 1))
    assert texts(batches) == [f"{month.part.start:%m-%d}..{month.part.end:%m-%d}" for month in months]
    assert len(list(cut_into_batches(months, [], 5))) == 3


def test_months_without_rows_are_not_cut() -> None:
    months = [*stale(date(2024, 6, 12), date(2024, 7, 1)), *stale(date(2024, 7, 1), date(2024, 8, 12), rows=0)]
    assert texts(list(cut_into_batches(months, [], 1))) == ["06-12..08-12"]


def test_what_failed_before_stays_apart() -> None:
    months = stale(date(2024, 6, 12), date(2024, 8, 12))
    half = Batch(datetime(2024, 7, 1), datetime(2024, 7, 16))
    assert texts(list(cut_into_batches(months, [half], 1))) == ["06-12..07-01", "07-16..08-01", "08-01..08-12"]


DAYS = st.integers(0, 500).map(lambda days: BEGIN + timedelta(days=days))
INTERVALS = st.tuples(DAYS, st.integers(1, 130)).map(lambda pair: Batch(pair[0], pair[0] + timedelta(days=pair[1])))


@given(INTERVALS, st.booleans(), INTERVALS, st.lists(INTERVALS, max_size=2), st.integers(1, 4))
def test_every_day_is_computed_once(days: Batch, has_gap: bool, gap: Batch, waiting: list[Batch], most: int) -> None:
    months = stale(days.start.date(), days.end.date())
    if has_gap:
        months = [month for month in months if not overlap(month.part, gap)]
    batches = list(cut_into_batches(months, waiting, most))

    def within(intervals: list[Batch]) -> set[datetime]:
        return {one.start + timedelta(days=number) for one in intervals for number in range(length(one))}

    wanted = within([month.part for month in months]) - within(waiting)
    assert within(batches) == wanted
    assert sum(length(batch) for batch in batches) == len(wanted)
    assert all(length(batch) <= most * LONGEST_MONTH for batch in batches)
    touched = {month.month.start for month in months if wanted & within([month.part])}
    if not waiting and not has_gap:
        assert len(batches) <= -(-len(touched) // most)
        if all(month.part == month_of(month.part.start) for month in months):
            assert all(batch.start.day == 1 for batch in batches)
