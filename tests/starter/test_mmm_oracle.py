"""Weekly frame, low-pressure baseline and collinearity of a whole build against sums made day by day in Python."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracle.mmm import baseline, collinearity
from tests.starter.project import Cell, Database, build, write_project
from tests.starter.relations import Rows, assert_same_rows, built_rows

AS_OF = date(2025, 7, 2)
LAST_WEEK = date(2025, 6, 23)
N_WEEKS = 120
FIRST_WEEK = LAST_WEEK - timedelta(weeks=N_WEEKS - 1)
WEEKS = [FIRST_WEEK + timedelta(weeks=number) for number in range(N_WEEKS)]
COLLINEARITY_START = AS_OF - timedelta(days=730)
LATE_RADIO, TOUCHES_BEGIN, NEWCOMERS_BEGIN = 70, 50, N_WEEKS - 4
WITHOUT_CONVERSIONS, WITHOUT_AMOUNTS, WITHOUT_SIGNUPS = (8, 31), (3, 32), (5, 6, 44, 90)
ORGANIC = "Organic 'Social'"
Values = list[float | None]


@dataclass
class Inputs:
    """The sources, and per series the values that were put into each week."""

    sources: dict[str, list[dict[str, Cell]]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[str, dict[date, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def add(self, series: str, day: date, value: float) -> None:
        self.parts[series][day - timedelta(days=day.weekday())].append(value)

    def spend(self, channel: str, day: date, amount: float) -> None:
        cents = Decimal(round(amount * 100)) / 100
        self.sources["spend"].append({"date": day, "channel": channel, "spend": cents})
        self.add(channel, day, float(cents))

    def kpi(self, name: str, day: date, value: float) -> None:
        self.sources["kpis"].append({"week": day, "kpi_name": name, "value": value})
        self.add(name, day, value)

    def control(self, name: str, day: date, value: float) -> None:
        self.sources["controls"].append({"date": day, "control_name": name, "value": value})
        self.add(name, day, value)

    def touch(self, day: date, number: int) -> None:
        ts = datetime.combine(day, time(23, 59, 59, number))
        self.sources["touchpoints"].append({"user_id": "visitor", "event_ts": ts, "event_kind": ORGANIC})
        self.add("touches", day, 1)

    def convert(self, day: date, amount: Decimal | None) -> None:
        ts = datetime.combine(day, time(0, 0, 0))
        row: dict[str, Cell] = {"user_id": "buyer", "conversion_ts": ts, "conversion_kind": "order", "amount": amount}
        self.sources["conversions"].append(row)
        self.add("conversions", day, 1)
        if amount is not None:
            self.add("revenue", day, float(amount))

    def sums(self, series: str, begins: int = 0, empty: float | None = 0.0) -> Values:
        """The weekly sums; unknown before the series begins, `empty` in a week without rows."""
        weekly = self.parts[series]
        return [
            None if number < begins else math.fsum(weekly[week]) if weekly[week] else empty
            for number, week in enumerate(WEEKS)
        ]

    def averages(self, series: str) -> Values:
        weekly = self.parts[series]
        return [math.fsum(weekly[week]) / len(weekly[week]) if weekly[week] else None for week in WEEKS]


def put_spend(inputs: Inputs, rng: random.Random, number: int, week: date) -> None:
    search = [rng.uniform(50, 400) * (number % 13 > 1) for _ in range(7)]
    for offset, amount in enumerate(search):
        day = week + timedelta(days=offset)
        inputs.spend("Paid Search", day, amount)
        inputs.spend("Meta", day, 2 * amount + rng.uniform(0, 20))
        inputs.spend("TV flat", day, 10)
        if number >= LATE_RADIO:
            inputs.spend("Late Radio", day, rng.uniform(0, 100))
    if number % 9 == 0:
        inputs.spend("o'Pulses", week + timedelta(days=rng.randrange(7)), rng.uniform(500, 900))


def put_outcomes(inputs: Inputs, rng: random.Random, number: int, week: date) -> None:
    sunday = week + timedelta(days=6)
    for index in range(rng.choice((0, 2, 8)) if number > TOUCHES_BEGIN else number == TOUCHES_BEGIN):
        inputs.touch(rng.choice((week, sunday)), index)
    for index in range(0 if number in WITHOUT_CONVERSIONS else rng.randrange(1, 12)):
        has_amount = number not in WITHOUT_AMOUNTS and (index == 0 or rng.random() < 0.7)
        amount = Decimal(rng.randrange(100_000)) / 100 if has_amount else None
        inputs.convert(rng.choice((week, sunday)), amount)
    if number not in WITHOUT_SIGNUPS:
        inputs.kpi("signups", week + timedelta(days=rng.randrange(7)), rng.uniform(0, 50))
    if number % 7 == 0 and number not in WITHOUT_SIGNUPS:
        inputs.kpi("signups", week, 12.5)
    if number >= NEWCOMERS_BEGIN:
        inputs.kpi("newcomers", week, rng.uniform(0, 9))
    for offset in range(7):
        if number != 50 and rng.random() < 0.8:
            inputs.control("price", week + timedelta(days=offset), rng.uniform(1, 2))


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    rng, found = random.Random(21), Inputs()
    for number, week in enumerate(WEEKS):
        put_spend(found, rng, number, week)
        put_outcomes(found, rng, number, week)
    # Incomplete weeks at both ends belong to no week of the frame.
    for day in (FIRST_WEEK - timedelta(days=3), AS_OF - timedelta(days=1), AS_OF):
        found.convert(day, Decimal("1000000"))
    return found


@pytest.fixture(scope="module")
def database(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Database:
    return build(write_project(tmp_path_factory.mktemp("mmm"), inputs.sources, as_of=AS_OF))


@pytest.fixture(scope="module")
def kpis(inputs: Inputs) -> Mapping[str, Values]:
    """A week without conversions has no revenue; the revenue of conversions without any amount is not known."""
    revenue = inputs.sums("revenue")
    for number in WITHOUT_AMOUNTS:
        revenue[number] = None
    return {
        "conversions": inputs.sums("conversions"),
        "revenue": revenue,
        "signups": inputs.sums("signups", empty=None),
        "newcomers": inputs.sums("newcomers", empty=None),
    }


@pytest.fixture(scope="module")
def media(inputs: Inputs) -> Mapping[str, Values]:
    """Spend is recorded from the first week on, so a channel without rows spent nothing; touches are only later."""
    return {
        "spend_paid_search": inputs.sums("Paid Search"),
        "spend_meta": inputs.sums("Meta"),
        "spend_tv_flat": inputs.sums("TV flat"),
        "spend_o_pulses": inputs.sums("o'Pulses"),
        "spend_late_radio": inputs.sums("Late Radio"),
        "touches_organic_social": inputs.sums("touches", begins=TOUCHES_BEGIN),
    }


def long_rows(series: Mapping[str, Values]) -> Rows:
    return {
        (week, name): {"value": value}
        for name, values in series.items()
        for week, value in zip(WEEKS, values, strict=True)
    }


def test_weekly_sums_and_what_an_empty_week_means(
    database: Database, kpis: Mapping[str, Values], media: Mapping[str, Values]
) -> None:
    for relation, series in (("int_mmm_kpis_weekly", kpis), ("int_mmm_media_weekly", media)):
        assert_same_rows(
            built_rows(database, f"intermediate.{relation}", ("week", "name")), long_rows(series), relation
        )


def test_controls_are_averages_and_iso_weeks(database: Database, inputs: Inputs) -> None:
    controls: dict[str, Values] = {
        "price": inputs.averages("price"),
        "week_index": [float(number) for number in range(N_WEEKS)],
        "week_of_year": [float(week.isocalendar().week) for week in WEEKS],
    }
    built = built_rows(database, "intermediate.int_mmm_controls_weekly", ("week", "name"))
    assert_same_rows(built, long_rows(controls), "controls")


def test_spine_has_every_complete_week_and_every_series(
    database: Database, inputs: Inputs, kpis: Mapping[str, Values], media: Mapping[str, Values]
) -> None:
    columns = {f"kpi_{name}": values for name, values in kpis.items()}
    columns |= {f"media_{name}": values for name, values in media.items()}
    columns["ctrl_price"] = inputs.averages("price")
    expected = {
        (week,): {name: values[number] for name, values in columns.items()} for number, week in enumerate(WEEKS)
    }
    assert_same_rows(built_rows(database, "marts.fct_mmm_spine_weekly", ("week",)), expected, "spine")


def expected_status(kpi: Sequence[float | None], medium: Sequence[float | None]) -> str:
    known = {value for value in medium if value is not None}
    found = baseline(kpi, medium)
    if len(known) < 2:
        return "no_variance"
    return "ok" if found is not None and found.n_weeks > 5 else "insufficient_weeks"


def test_baseline_of_every_kpi_and_medium(
    database: Database, kpis: Mapping[str, Values], media: Mapping[str, Values]
) -> None:
    expected = {}
    for kpi_name, kpi in kpis.items():
        for media_name, medium in media.items():
            status, found = expected_status(kpi, medium), baseline(kpi, medium)
            row: dict[str, float | str | None] = dict.fromkeys(("median_value", "q05", "q95"))
            if status == "ok" and found is not None:
                row = {"median_value": found.median, "q05": found.q05, "q95": found.q95, "n_weeks": found.n_weeks}
            expected[kpi_name, media_name] = {**row, "status": status}
    assert {str(row["status"]) for row in expected.values()} == {"ok", "no_variance", "insufficient_weeks"}
    built = built_rows(database, "marts.fct_mmm_baseline_latest", ("kpi_name", "media_name"))
    assert_same_rows(built, expected, "baseline")


def test_collinearity_of_the_last_730_days(database: Database, media: Mapping[str, Values]) -> None:
    recent = [number for number, week in enumerate(WEEKS) if week >= COLLINEARITY_START]
    assert 0 < len(recent) < N_WEEKS
    expected = {}
    for pair, found in collinearity({name: [values[n] for n in recent] for name, values in media.items()}).items():
        status = "insufficient_weeks" if found.n_weeks <= 2 else "no_variance" if found.r is None else "ok"
        r = found.r if status == "ok" else None
        expected[pair] = {
            "n_weeks": found.n_weeks,
            "pearson_r": r,
            "is_high_collinearity": None if r is None else abs(r) > 0.9,
            "status": status,
        }
    assert {row["is_high_collinearity"] for row in expected.values()} == {True, False, None}
    built = built_rows(database, "marts.fct_mmm_collinearity_latest", ("media_a", "media_b"))
    assert_same_rows(built, expected, "collinearity")


@pytest.mark.parametrize(("days", "weeks"), [(3, 0), (16, 2)])
def test_too_little_history_says_so(tmp_path: Path, days: int, weeks: int) -> None:
    found = Inputs()
    for offset in range(1, days + 1):
        day = AS_OF - timedelta(days=offset)
        found.spend("Paid Search", day, offset)
        found.spend("Meta", day, offset * offset)
        found.convert(day, Decimal(1))
        found.touch(day, offset)
    database = build(write_project(tmp_path, found.sources, as_of=AS_OF))
    assert len(database.rows("SELECT * FROM marts.fct_mmm_spine_weekly")) == weeks
    for relation in ("fct_mmm_baseline_latest", "fct_mmm_collinearity_latest"):
        statuses = {row["status"] for row in database.rows(f"SELECT status FROM marts.{relation}")}
        assert statuses <= {"insufficient_weeks", "no_variance"}
        assert bool(statuses) is (weeks > 0)
