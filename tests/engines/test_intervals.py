"""Replacing intervals of time: exactly the rows of the interval, whatever else stands in the table."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from measure_cli.batches import month_of
from measure_cli.ddl.base import Swap
from measure_cli.ddl.intervals import within_any
from measure_cli.kinds import Materialization
from measure_cli.types import Batch, ModelConfig, Row, Statement
from tests.engines.bench import Workplace

FIRST = datetime(2024, 1, 1)
DAYS = 120


def columns_of(kind: str) -> tuple[tuple[str, str], ...]:
    return (("moment", kind), ("source", "VARCHAR"))


def config(**more: Any) -> ModelConfig:
    return ModelConfig(materialized=Materialization.INCREMENTAL, time_column="moment", order_by=("moment",), **more)


def day(number: int, kind: str) -> date | datetime:
    moment = FIRST + timedelta(days=number, hours=23, minutes=59, seconds=59, microseconds=999999)
    return moment if kind == "TIMESTAMP" else moment.date()


def fill(place: Workplace, name: str, kind: str, days: range, source: str, with_null: bool = False) -> None:
    """A table as an incremental model has it."""
    rows: list[Row] = [{"moment": str(day(number, kind)), "source": source} for number in days]
    rows += [{"moment": None, "source": source}] if with_null else []
    place.run(*place.ddl.create_table(place.name(name), columns_of(kind), config()))
    place.run(*place.ddl.rows(place.name(f"{name}_rows"), columns_of(kind), rows))
    select = f"SELECT * FROM {place.name(f'{name}_rows')}"
    place.run(Statement(place.ddl.batches.insert(place.name(name), columns_of(kind), select, config())))


def seen(place: Workplace, name: str = "fct") -> dict[object, object]:
    rows = place.query(f"SELECT * FROM {place.name(name)}").rows
    assert len(rows) == len({row[0] for row in rows})
    return dict(rows)


BATCHES = [
    Batch(FIRST, datetime(2024, 2, 1)),
    Batch(datetime(2024, 2, 1), datetime(2024, 4, 1)),
    Batch(datetime(2024, 2, 10), datetime(2024, 2, 11)),
    Batch(datetime(2024, 2, 1), datetime(2024, 2, 3)),
    Batch(datetime(2024, 2, 27), datetime(2024, 3, 1)),
    Batch(datetime(2024, 1, 20), datetime(2024, 3, 10)),
    Batch(datetime(2025, 1, 1), datetime(2025, 2, 1)),
]


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP"])
@pytest.mark.parametrize("has_rows", [True, False], ids=["rows", "empty"])
@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: f"{batch.start:%m%d}-{batch.end:%m%d}")
def test_one_interval(place: Workplace, batch: Batch, has_rows: bool, kind: str) -> None:
    fill(place, "fct", kind, range(DAYS), "old", with_null=True)
    fill(place, "new", kind, range(400) if has_rows else range(0), "new")
    start, end = (str(bound if kind == "TIMESTAMP" else bound.date()) for bound in (batch.start, batch.end))
    select = f"SELECT * FROM {place.name('new')} WHERE moment >= '{start}' AND moment < '{end}'"
    statements = place.ddl.replace_interval(place.name("fct"), columns_of(kind), select, "moment", batch)
    for _ in range(2):  # again, as after a kill
        place.run(*statements)
    first, last = ((bound - FIRST).days for bound in (batch.start, batch.end))
    expected: dict[object, object] = {None: "old"}
    expected |= {day(number, kind): "old" for number in range(DAYS) if not first <= number < last}
    expected |= {day(number, kind): "new" for number in range(first, last) if has_rows}
    assert seen(place) == expected
    assert set(place.kinds()) == {"fct", "fct_rows", "new", "new_rows"}


def test_more_months_than_one_insert_may_touch(place: Workplace) -> None:
    """Twenty years, a row a day."""
    fill(place, "fct", "DATE", range(7300), "old")
    assert len(seen(place)) == 7300


def swap_of(place: Workplace, intervals: tuple[Batch, ...] | None, is_filled: bool = True) -> Swap:
    condition = within_any(place.ddl.batches, "moment", intervals or ())
    existing = place.kinds().get("fct")
    stage, published = place.name("fct__stage"), place.name("fct")
    return Swap(stage, published, "fct", existing, columns_of("TIMESTAMP"), "moment", intervals, is_filled, condition)


def publish(place: Workplace, swap: Swap, is_killed: bool = False) -> None:
    """Without transactions statements are run again after a kill, which may come before the last one."""
    statements = place.ddl.batches.publish(swap)
    if place.ddl.is_transactional:
        place.session.transaction(statements)
    else:
        place.run(*(statements[:-1] if is_killed else ()), *statements)


@pytest.mark.parametrize("existing", [None, "table", "view"])
def test_a_stage_becomes_the_table(place: Workplace, existing: str | None) -> None:
    if existing == "table":
        fill(place, "fct", "TIMESTAMP", range(10), "old")
    elif existing == "view":
        place.run(
            place.ddl.view(place.name("fct"), columns_of("DATE"), "SELECT '2024-01-01' AS moment, 'old' AS source")
        )
    fill(place, "fct__stage", "TIMESTAMP", range(DAYS), "new")
    publish(place, swap_of(place, None), is_killed=True)
    assert seen(place) == {day(number, "TIMESTAMP"): "new" for number in range(DAYS)}
    assert "fct__stage" not in place.kinds()


@pytest.mark.parametrize("is_killed", [False, True])
def test_months_of_a_stage_replace_published_ones(place: Workplace, is_killed: bool) -> None:
    """February gets new rows, April has none any more."""
    fill(place, "fct", "TIMESTAMP", range(DAYS), "old", with_null=True)
    fill(place, "fct__stage", "TIMESTAMP", range(31, 60), "new")
    months = (month_of(date(2024, 2, 1)), month_of(date(2024, 4, 1)))
    publish(place, swap_of(place, months), is_killed)
    expected: dict[object, object] = {None: "old"}
    for number in range(DAYS):
        month = (FIRST + timedelta(days=number)).month
        if month != 4:
            expected[day(number, "TIMESTAMP")] = "new" if month == 2 else "old"
    assert seen(place) == expected
    assert "fct__stage" not in place.kinds()


def test_part_of_a_month(place: Workplace) -> None:
    fill(place, "fct", "TIMESTAMP", range(DAYS), "old")
    fill(place, "fct__stage", "TIMESTAMP", range(40, 42), "new")
    days = (Batch(datetime(2024, 2, 10), datetime(2024, 2, 12)), Batch(datetime(2024, 2, 20), datetime(2024, 2, 21)))
    publish(place, swap_of(place, days), is_killed=True)
    expected = {
        day(number, "TIMESTAMP"): "new" if number in (40, 41) else "old" for number in range(DAYS) if number != 50
    }
    assert seen(place) == expected
    assert set(place.kinds()) == {"fct", "fct_rows", "fct__stage_rows"}


@pytest.mark.parametrize("interval", [month_of(date(2024, 2, 1)), Batch(datetime(2024, 2, 1), datetime(2024, 2, 3))])
def test_an_interval_without_a_stage(place: Workplace, interval: Batch) -> None:
    fill(place, "fct", "TIMESTAMP", range(DAYS), "old", with_null=True)
    publish(place, swap_of(place, (interval, month_of(date(2031, 1, 1))), is_filled=False), is_killed=True)
    assert len(seen(place)) == DAYS + 1 - (interval.end - interval.start).days


def test_no_interval_leaves_the_table(place: Workplace) -> None:
    fill(place, "fct", "TIMESTAMP", range(10), "old")
    publish(place, swap_of(place, (), is_filled=False))
    assert len(seen(place)) == 10


def test_days_of_a_relation(place: Workplace) -> None:
    """A row for each day: equal rows count, order does not, a NULL is a value."""
    columns = (("day", "TIMESTAMP"), ("a", "VARCHAR"), ("b", "BIGINT"))

    def days(
        rows: list[tuple[Any, ...]], names: tuple[str, ...] = ("a", "b"), time: str | None = "day"
    ) -> dict[Any, Any]:
        given = [dict(zip(("day", "a", "b"), row, strict=True)) for row in rows]
        place.run(*place.ddl.rows(place.name("input"), columns, given))
        found = place.query(place.ddl.batches.days(place.name("input"), names, time)).rows
        return {day: (count, content) for day, count, content in found}

    one, two = "2024-01-01 23:59:59.999999", "2024-01-02 00:00:00"
    base = days([(one, "x", 1), (two, "x", 1), (None, "x", 1)])
    assert {day: count for day, (count, _) in base.items()} == {"2024-01-01": 1, "2024-01-02": 1, None: 1}
    assert base == days([(two, "x", 1), (None, "x", 1), (one, "x", 1)])
    for other in ((one, "x", 2), (one, None, 1), (one, "x", None)):
        assert days([other, (two, "x", 1)])["2024-01-01"] != base["2024-01-01"]
    assert days([(one, "x", 1), (one, "x", 1)])["2024-01-01"] != base["2024-01-01"]
    assert days([(one, "x", 1), (two, "x", 1)], time=None) == days([(two, "x", 1), (one, "x", 1)], time=None)
    assert list(days([(one, "x", 1)], names=())) == ["2024-01-01"]
    assert days([]) == {}


def test_rows_of_a_stage_are_removed(place: Workplace) -> None:
    fill(place, "fct", "TIMESTAMP", range(DAYS), "old", with_null=True)
    condition = within_any(place.ddl.batches, "moment", [month_of(date(2024, 2, 1))])
    place.run(*place.ddl.batches.delete(place.name("fct"), condition))
    assert sum(1 for at in seen(place) if isinstance(at, datetime) and at.month == 2) == 0
    assert len(seen(place)) == DAYS - 29 + 1
