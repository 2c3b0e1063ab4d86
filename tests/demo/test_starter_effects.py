"""The planted effects of the `starter` demo can be found again in its files."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from statistics import correlation

import pytest

from measure_cli.demo.starter_shop import (
    CHANNELS,
    HOLIDAY_FACTOR,
    MONTH_FACTORS,
    PROMOTION_ISO_WEEKS,
    WEEKDAY_FACTORS,
)
from tests.demo.generated import AS_OF, FIRST, PAID, Conversion, Demo, good_spend


def credited_amounts(demo: Demo, position: int) -> dict[str, float]:
    amounts: dict[str, float] = defaultdict(float)
    for conversion, touches in demo.journeys().items():
        if touches and conversion.amount:
            amounts[touches[position].kind] += conversion.amount
    return amounts


def test_opening_channels_look_good_on_first_touch_and_bad_on_last(demo: Demo) -> None:
    spend: dict[str, float] = defaultdict(float)
    for row in good_spend(demo):
        spend[row["channel"]] += float(row["spend"])
    first, last = credited_amounts(demo, 0), credited_amounts(demo, -1)
    for channel in ("Display", "Video"):
        assert first[channel] / spend[channel] > 2.5
        assert last[channel] / spend[channel] < 1
    assert last["Paid Search"] > 1.8 * first["Paid Search"]
    assert last["Email"] > 2 * first["Email"]
    assert last["Direct"] > 1.5 * first["Direct"]


def test_revenue_is_three_to_six_times_the_spend(demo: Demo) -> None:
    revenue = sum(conversion.amount or 0 for conversion in demo.conversions)
    assert 3 < revenue / sum(float(row["spend"]) for row in good_spend(demo)) < 6


def test_baskets_are_around_sixty(demo: Demo) -> None:
    amounts = [conversion.amount for conversion in demo.conversions if conversion.amount]
    assert 55 < sum(amounts) / len(amounts) < 75
    assert min(amounts) > 10


def test_carry_over_of_display_is_longer_than_that_of_paid_search(demo: Demo) -> None:
    """The planted mean lag in days is r / (1 - r): 4 for Display, 0.43 for Paid Search, 5.7 for Video."""

    def mean_lag(kind: str) -> float:
        lags = [
            (conversion.moment.date() - touches[0].moment.date()).days
            for conversion, touches in demo.journeys().items()
            if touches and touches[0].kind == kind and len({c.moment for c in by_user[conversion.user]}) == 1
        ]
        return sum(lags) / len(lags)

    by_user: dict[str, list[Conversion]] = defaultdict(list)
    for conversion in demo.conversions:
        by_user[conversion.user].append(conversion)
    assert mean_lag("Display") == pytest.approx(4, rel=0.25)
    assert mean_lag("Video") == pytest.approx(5.7, rel=0.25)
    assert mean_lag("Paid Search") < 1.5


def test_conversions_follow_trend_season_weekday_price_and_holidays(large: Demo) -> None:
    by_day = Counter(c.moment.date() for c in large.conversions if c.user.startswith("u"))
    days = [FIRST + timedelta(days=number) for number in range((AS_OF - FIRST).days)]
    flags = {row["date"] for row in large.rows["controls"] if row["control_name"] == "holiday" and row["value"] == "1"}

    def per_day(chosen: list[date]) -> float:
        return sum(by_day[day] for day in chosen) / len(chosen)

    def in_weeks(distances: set[int]) -> list[date]:
        return [day for day in days for sale in PROMOTION_ISO_WEEKS if abs(day.isocalendar().week - sale) in distances]

    holidays = [day for day in days if str(day) in flags]
    week_before = [day - timedelta(days=7) for day in holidays if str(day - timedelta(days=7)) not in flags]
    assert per_day(days[365:]) > 1.15 * per_day(days[:365])
    assert per_day([day for day in days if day.month in (11, 12)]) > 1.2 * per_day(
        [day for day in days if day.month in (7, 8)]
    )
    assert per_day([day for day in days if day.weekday() == 6]) > 1.2 * per_day(
        [day for day in days if day.weekday() == 5]
    )
    assert per_day(in_weeks({0})) > 1.15 * per_day(in_weeks({1, 2}))
    assert per_day(holidays) < 0.8 * per_day(week_before)


def test_price_falls_in_promotion_weeks_and_holidays_are_flagged(demo: Demo) -> None:
    series: dict[str, dict[date, float]] = defaultdict(dict)
    for row in demo.rows["controls"]:
        series[row["control_name"]][date.fromisoformat(row["date"])] = float(row["value"])
    cheap = {day.isocalendar().week for day, price in series["price_index"].items() if price < 0.96}
    assert cheap == set(PROMOTION_ISO_WEEKS)
    flagged = {day for day, flag in series["holiday"].items() if flag == 1}
    assert {date(2023, 12, 25), date(2024, 12, 25), date(2025, 1, 1)} <= flagged
    assert set(series["holiday"].values()) == {0, 1}


def expected_conversions(demo: Demo, scale: float) -> list[float]:
    """The formula of the module's docstring, from the written spend and controls alone."""
    spend: dict[tuple[str, date], float] = defaultdict(float)
    for row in good_spend(demo):
        spend[row["channel"], date.fromisoformat(row["date"])] += float(row["spend"]) / scale
    controls = {(row["control_name"], row["date"]): float(row["value"]) for row in demo.rows["controls"]}
    unpaid = sum(channel.starts * channel.conversion_rate for channel in CHANNELS if not channel.media)
    carried = dict.fromkeys(PAID, 1.0)
    expected = []
    for number in range((AS_OF - FIRST).days):
        day = FIRST + timedelta(days=number)
        total = unpaid * (1 + 0.2 * number / 365) * MONTH_FACTORS[day.month - 1]
        for channel in CHANNELS:
            if channel.media:
                pressure = spend[channel.name, day] / channel.media.daily_budget
                hill = 2 * pressure / (pressure + 1)
                start = hill if number == 0 else carried[channel.name]
                carried[channel.name] = (1 - channel.retention) * hill + channel.retention * start
                total += channel.starts * channel.conversion_rate * carried[channel.name]
        holiday = HOLIDAY_FACTOR if controls["holiday", str(day)] else 1.0
        price = 1 - 2 * (controls["price_index", str(day)] - 1)
        expected.append(scale * total * WEEKDAY_FACTORS[day.weekday()] * holiday * price)
    return expected


def test_conversions_are_what_the_documented_formula_expects(large: Demo) -> None:
    expected = expected_conversions(large, scale=4)
    actual = [0.0] * len(expected)
    for conversion in large.conversions:
        if conversion.user.startswith("u"):
            actual[(conversion.moment.date() - FIRST).days] += 1
    assert sum(actual) == pytest.approx(sum(expected), rel=0.03)
    weeks = range(3, len(expected) - 6, 7)
    weekly = [(sum(expected[day : day + 7]), sum(actual[day : day + 7])) for day in weeks]
    assert len(weekly) == 104
    assert correlation(*map(list, zip(*weekly, strict=True))) > 0.9
