"""The `starter` demo: the same bytes everywhere, whole files, and the rows that are planted on purpose."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from measure_cli.demo.starter import COLUMNS, generate
from measure_cli.demo.starter_journeys import MONTH_ENDS, SAME_SECOND_USERS, UNUSABLE, WINDOW_DAYS
from measure_cli.demo.starter_shop import CHANNELS, Calendar
from measure_cli.errors import ProjectError
from tests.demo.generated import AS_OF, FIRST, PAID, Demo, good_spend, moment_of, read


def fingerprint(files: dict[str, Path]) -> dict[str, str]:
    return {source: hashlib.sha256(file.read_bytes()).hexdigest() for source, file in files.items()}


# -- files --------------------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    once = fingerprint(generate(tmp_path / "once", as_of=AS_OF, scale=0.1))
    assert fingerprint(generate(tmp_path / "twice", as_of=AS_OF, scale=0.1)) == once


def test_the_bytes_do_not_depend_on_the_machine(tmp_path: Path) -> None:
    files = generate(tmp_path, as_of=AS_OF, scale=0.05)
    digest = hashlib.sha256(b"".join(files[source].read_bytes() for source in COLUMNS)).hexdigest()
    assert digest == "6c1eddb2811459c166d9db4c54a0939d7a062ce18edc5782e5e0288e1437e9cb"


def test_another_seed_gives_other_data(tmp_path: Path) -> None:
    seven = fingerprint(generate(tmp_path / "7", as_of=AS_OF, scale=0.05))
    eight = fingerprint(generate(tmp_path / "8", as_of=AS_OF, scale=0.05, seed=8))
    assert all(seven[source] != eight[source] for source in COLUMNS)


def test_generation_replaces_the_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "spend.csv").write_text("old")
    files = generate(tmp_path, as_of=AS_OF, scale=0.05)
    assert set(tmp_path.iterdir()) == set(files.values())
    assert files["spend"].read_text().startswith("date,channel,")


def test_an_interrupted_generation_leaves_the_old_files(tmp_path: Path) -> None:
    before = fingerprint(generate(tmp_path, as_of=AS_OF, scale=0.05))
    code = (
        "from datetime import date; from pathlib import Path; from measure_cli.demo.starter import generate; "
        f"generate(Path({str(tmp_path)!r}), as_of=date(2025, 6, 30), scale=1000)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not (begun := list(tmp_path.glob(".demo-*/touchpoints.csv"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert begun
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) != 0
    finally:
        process.kill()
        process.wait()
    assert {file.name for file in tmp_path.iterdir()} == {f"{source}.csv" for source in COLUMNS}
    assert fingerprint({source: tmp_path / f"{source}.csv" for source in COLUMNS}) == before


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), 1e6])
def test_an_unusable_scale_is_refused_before_anything_is_written(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ProjectError, match="scale"):
        generate(tmp_path / "demo", as_of=AS_OF, scale=scale)
    assert not (tmp_path / "demo").exists()


def test_columns_are_the_documented_ones(demo: Demo) -> None:
    assert {source: tuple(rows[0]) for source, rows in demo.rows.items()} == COLUMNS


# -- size and coverage --------------------------------------------------------------------------------------------


def test_scale_one_is_the_size_of_a_small_shop(demo: Demo) -> None:
    assert 60_000 <= len(demo.rows["touchpoints"]) <= 80_000
    assert 5_000 <= len(demo.rows["conversions"]) <= 6_000


def test_touchpoints_conversions_and_spend_grow_with_the_scale(demo: Demo, small: Demo) -> None:
    def sizes(data: Demo) -> list[float]:
        ordinary = [user for user in data.touches if user.startswith("u")]
        spend = sum(float(row["spend"]) for row in good_spend(data))
        return [len(ordinary), sum(c.user.startswith("u") for c in data.conversions), spend]

    for large, little in zip(sizes(demo), sizes(small), strict=True):
        assert large / little == pytest.approx(10, rel=0.15)


def test_the_largest_shop_is_the_same_shop(demo: Demo, small: Demo) -> None:
    assert demo.rows["controls"] == small.rows["controls"]
    assert [row["week"] for row in demo.rows["kpis"]] == [row["week"] for row in small.rows["kpis"]]


@pytest.mark.parametrize(
    ("as_of", "first", "days"),
    [
        (date(2025, 6, 30), date(2023, 6, 30), 731),
        (date(2024, 2, 29), date(2022, 2, 28), 731),
        (date(2026, 2, 28), date(2024, 2, 28), 731),
        (date(2023, 1, 1), date(2021, 1, 1), 730),
    ],
)
def test_the_period_is_the_two_years_before_as_of(as_of: date, first: date, days: int) -> None:
    calendar = Calendar.until(as_of)
    assert (calendar.first, calendar.days) == (first, days)


def test_every_day_is_covered_and_none_outside(demo: Demo) -> None:
    days = {FIRST + timedelta(days=number) for number in range((AS_OF - FIRST).days)}
    assert {touch.moment.date() for touches in demo.touches.values() for touch in touches} == days
    assert {date.fromisoformat(row["date"]) for row in good_spend(demo)} == days
    controls = Counter((date.fromisoformat(row["date"]), row["control_name"]) for row in demo.rows["controls"])
    assert controls == {(day, name): 1 for day in days for name in ("price_index", "holiday")}
    conversion_days = {conversion.moment.date() for conversion in demo.conversions}
    assert conversion_days <= days
    assert len(conversion_days) > 0.98 * len(days)


def test_kpis_leave_out_the_week_that_as_of_cuts(tmp_path: Path) -> None:
    data = read(generate(tmp_path, as_of=date(2025, 7, 3), scale=0.01))
    assert data.rows["kpis"][-1]["week"] == "2025-06-23"


def test_kpis_are_the_whole_weeks(demo: Demo) -> None:
    weeks = [date.fromisoformat(row["week"]) for row in demo.rows["kpis"]]
    assert weeks[0] == date(2023, 7, 3)
    assert weeks[-1] == date(2025, 6, 23)
    assert {later - week for week, later in pairwise(weeks)} == {timedelta(days=7)}
    assert all(float(row["value"]) > 0 for row in demo.rows["kpis"])


def test_times_are_iso_in_utc(demo: Demo) -> None:
    for source, column in (("touchpoints", "event_ts"), ("conversions", "conversion_ts")):
        moments = [moment_of(row[column]) for row in demo.rows[source]]
        readable = [moment for moment in moments if moment]
        assert len(moments) - len(readable) == (2 if source == "touchpoints" else 1)
        assert {moment.tzinfo for moment in readable} == {UTC}


# -- rows that nobody can use -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["demo", "small"])
def test_unusable_rows_are_as_many_as_documented(size: str, request: pytest.FixtureRequest) -> None:
    data: Demo = request.getfixturevalue(size)
    usable_rows = {
        "touchpoints": sum(len(touches) for touches in data.touches.values()),
        "conversions": len(data.conversions),
        "spend": len(good_spend(data)),
    }
    rejected = {source: len(data.rows[source]) - count for source, count in usable_rows.items()}
    assert rejected == UNUSABLE
    assert sum(UNUSABLE.values()) == 12


def test_each_reason_for_a_reject_occurs(demo: Demo) -> None:
    assert {row["user_id"] for row in demo.rows["touchpoints"] if not row["user_id"].strip()} == {"", "   "}
    for source, key in (("touchpoints", "event_id"), ("conversions", "conversion_id")):
        repeats = [name for name, count in Counter(row[key] for row in demo.rows[source]).items() if count > 1]
        assert sorted(repeats) == ["resent-1", "resent-2"]
    assert [row["spend"] for row in demo.rows["spend"] if float(row["spend"]) < 0] == ["-12.50"]


# -- planted edge cases -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["demo", "small"])
def test_conversions_at_midnight_and_at_month_ends(size: str, request: pytest.FixtureRequest) -> None:
    data: Demo = request.getfixturevalue(size)
    instants = [conversion.moment for conversion in data.conversions]
    midnights = [at for at in instants if at.day == 1 and at.time() == datetime.min.time()]
    assert len(midnights) == MONTH_ENDS
    assert {midnight - timedelta(microseconds=1) for midnight in midnights} <= set(instants)


@pytest.mark.parametrize("size", ["demo", "small"])
def test_several_conversions_in_one_second_two_of_them_equal(size: str, request: pytest.FixtureRequest) -> None:
    data: Demo = request.getfixturevalue(size)
    seconds = Counter((c.user, c.moment.replace(microsecond=0)) for c in data.conversions)
    instants = Counter((c.user, c.moment) for c in data.conversions)
    assert sum(count == 3 for count in seconds.values()) == SAME_SECOND_USERS
    assert sum(count == 2 for count in instants.values()) == SAME_SECOND_USERS


@pytest.mark.parametrize("size", ["demo", "small"])
def test_first_and_last_touches_tie_between_channels(size: str, request: pytest.FixtureRequest) -> None:
    data: Demo = request.getfixturevalue(size)

    def ties(position: int) -> int:
        journeys = [touches for touches in data.journeys().values() if touches]
        kinds = [{touch.kind for touch in ts if touch.moment == ts[position].moment} for ts in journeys]
        return sum(len(tied) > 1 for tied in kinds)

    assert ties(0) >= 3 * SAME_SECOND_USERS
    assert ties(-1) >= 3 * SAME_SECOND_USERS


@pytest.mark.parametrize("days", WINDOW_DAYS)
def test_touches_on_both_ends_of_each_lookback(demo: Demo, days: int) -> None:
    user = f"window-{days}"
    (conversion,) = [conversion for conversion in demo.conversions if conversion.user == user]
    lags = [conversion.moment - touch.moment for touch in demo.touches[user]]
    edge = timedelta(days=days)
    assert lags == [edge + timedelta(microseconds=1), edge, timedelta(0)]
    assert [touch.kind for touch in demo.journeys(days)[conversion]] == ["Organic Search"]


def test_journeys_cross_months_and_years(demo: Demo) -> None:
    crossings = Counter(
        "year" if touches[0].moment.year != conversion.moment.year else "month"
        for conversion, touches in demo.journeys().items()
        if touches and touches[0].moment.strftime("%Y-%m") != conversion.moment.strftime("%Y-%m")
    )
    assert crossings["year"] > 10
    assert crossings["month"] > 200


def test_heavy_users_repeat_customers_and_users_without_touches(demo: Demo) -> None:
    heavy = [user for user, touches in demo.touches.items() if len(touches) > 1_000]
    orders = Counter(conversion.user for conversion in demo.conversions)
    assert len(heavy) == 4
    assert all(orders[user] > 50 for user in heavy)
    assert sum(count > 1 for count in orders.values()) > 0.1 * len(orders)
    assert sum(user not in demo.touches for user in orders) > 0.015 * len(orders)


def test_only_purchases_have_an_amount_and_some_have_none(demo: Demo) -> None:
    known = Counter((conversion.kind, conversion.amount is not None) for conversion in demo.conversions)
    assert set(known) == {("purchase", True), ("purchase", False), ("newsletter_signup", False)}
    assert 0.005 < known["purchase", False] / known["purchase", True] < 0.03


# -- channels -----------------------------------------------------------------------------------------------------


def test_only_paid_channels_have_spend(demo: Demo) -> None:
    assert {row["channel"] for row in demo.rows["spend"]} == PAID
    assert {touch.kind for touches in demo.touches.values() for touch in touches} == {c.name for c in CHANNELS}


def test_a_launched_channel_has_nothing_before_the_middle(demo: Demo) -> None:
    launch = date(2024, 7, 1)
    assert min(row["date"] for row in demo.rows["spend"] if row["channel"] == "Video") == str(launch)
    video = [touch.moment.date() for touches in demo.touches.values() for touch in touches if touch.kind == "Video"]
    assert launch <= min(video) < launch + timedelta(days=3)


def test_a_paused_channel_reports_zero_for_two_whole_weeks(demo: Demo) -> None:
    paused = {
        date.fromisoformat(row["date"])
        for row in demo.rows["spend"]
        if row["channel"] == "Paid Social" and float(row["spend"]) == 0
    }
    assert len(paused) == 14
    assert (max(paused) - min(paused)).days == 13
    assert min(paused).weekday() == 0
    social = [touch for touches in demo.touches.values() for touch in touches if touch.kind == "Paid Social"]
    touched = {touch.moment.date() for touch in social}
    assert not touched & paused
    assert min(paused) - timedelta(days=1) in touched


def test_every_click_and_impression_is_bought(demo: Demo) -> None:
    for row in good_spend(demo):
        assert int(row["impressions"]) >= int(row["clicks"]) >= 0
    bought = Counter[str]()
    for row in good_spend(demo):
        bought[row["channel"]] += int(row["clicks"])
    clicked = Counter(row["event_kind"] for row in demo.rows["touchpoints"] if row["interaction"] == "click")
    assert all(clicked[channel] < bought[channel] for channel in PAID)
