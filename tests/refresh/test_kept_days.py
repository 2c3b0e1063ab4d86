"""Coverage and the series over touchpoints are kept by days: whatever changes, the rest is that of one build."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.build.workshop import invoke
from tests.refresh.forked import chdb_url, elsewhere
from tests.refresh.test_property_elsewhere import SNOWFLAKE_TARGET
from tests.refresh.test_stacks import computed, databases, measure
from tests.snowflake.emulator import emulated
from tests.starter.project import DATABASE, Cell, Table, write_project

AS_OF = date(2024, 6, 12)
FIRST = datetime(2024, 1, 9, 8)
DAYS = 160  # beyond as_of
KEPT = ("int_mmm_media_daily", "int_mmm_media_weekly", "fct_coverage_daily")
DUCKDB_TARGET = f'type = "duckdb"\npath = "{DATABASE}"'
# Its rows are refreshed by a day other than that of the series: they cannot be counted month by month.
BOOKINGS = """\
{{ config(materialized='view', time_column='conversion_ts') }}
SELECT
  conversion_ts,
  {{ add_days('conversion_date', 40) }} AS booked_on
FROM {{ ref('int_conversions') }}
"""

Rows = list[dict[str, Cell]]
Weekly = dict[tuple[date, str], float]


def series(name: str, value: str, method: str, **cells: str) -> dict[str, Cell]:
    row = {"name": name, "per": None, "model": "stg_touchpoints", "date_column": "event_date", "value": value}
    row |= {"weight": None, "filter": None, "method": method, "fill": "null", "unit": None, "is_dedup_safe": "true"}
    return {**row, **cells}


OF_CONVERSIONS = [series("bookings", "1", "sum", model="int_bookings", date_column="booked_on")]
MEDIA: Table = [
    series("emails", "1", "sum", filter="event_kind = 'Email'", fill="zero"),
    series("value", "amount", "sum", date_column="event_ts"),
    series("click_value", "amount", "avg", filter="interaction = 'click'"),
    series("last_value", "amount", "last"),
    series("weighted_value", "amount", "weighted_avg", weight="CASE WHEN interaction = 'click' THEN 3 ELSE 1 END"),
    *OF_CONVERSIONS,
]


def touch(rng: random.Random) -> dict[str, Cell]:
    return {
        "user_id": rng.choice("abc"),
        "event_ts": FIRST + timedelta(minutes=rng.randrange(DAYS * 24 * 60)),
        "event_kind": rng.choice(("Email", "Direct")),
        "interaction": rng.choice(("click", "view")),
        "amount": None if rng.random() < 0.3 else Decimal(rng.randrange(10_000)) / 100,
    }


def conversion(rng: random.Random) -> dict[str, Cell]:
    moment = FIRST + timedelta(minutes=rng.randrange(DAYS * 24 * 60))
    return {"user_id": rng.choice("abc"), "conversion_ts": moment, "conversion_kind": rng.choice(("order", "sign-up"))}


def histories(seed: int, steps: int) -> list[tuple[Rows, Rows]]:
    """Touches and conversions come, go and change, few at a time."""
    rng = random.Random(seed)
    touches, conversions = [touch(rng) for _ in range(150)], [conversion(rng) for _ in range(40)]
    found = [(touches, conversions)]
    for _ in range(steps):
        gone, changed = rng.randrange(len(touches)), rng.randrange(len(conversions))
        touches = [*touches[:gone], *touches[gone + 1 :], *(touch(rng) for _ in range(rng.randrange(4)))]
        conversions = [*conversions[:changed], conversion(rng), *conversions[changed + 1 :]]
        found.append((touches, conversions))
    return found


def project(folder: Path, touches: Rows, conversions: Rows, media: Table = MEDIA) -> Path:
    sources = {"touchpoints": touches, "conversions": conversions}
    write_project(folder, sources, as_of=AS_OF, registries={"mmm_media_registry": media})
    template = folder / "sql_templates/starter/intermediate/int_bookings.sql"
    template.parent.mkdir(parents=True, exist_ok=True)
    template.write_text(BOOKINGS, encoding="utf-8")
    return folder


def built_weeks(folder: Path) -> tuple[Weekly, set[date]]:
    """The values that were observed, and the weeks of the spine."""
    observed = "SELECT week, name, value FROM intermediate.int_mmm_media_weekly WHERE status = 'observed'"
    with duckdb.connect(databases(folder), read_only=True) as connection:
        weeks = connection.execute("SELECT week FROM intermediate.int_mmm_weeks").fetchall()
        return {(week, name): value for week, name, value in connection.execute(observed).fetchall()}, {
            week for (week,) in weeks
        }


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def amounts(rows: Sequence[Mapping[str, Cell]]) -> list[float]:
    return [float(row["amount"]) for row in rows if isinstance(row["amount"], Decimal)]


def values_of_week(rows: Rows) -> dict[str, float]:
    """The series over touches, from the words of the registry's columns."""
    clicks = [row for row in rows if row["interaction"] == "click"]
    dated = [(str(row["event_ts"])[:10], row) for row in rows if row["amount"] is not None]
    values: dict[str, float] = {}
    if emails := sum(row["event_kind"] == "Email" for row in rows):
        values["emails"] = emails
    if of_clicks := amounts(clicks):
        values["click_value"] = sum(of_clicks) / len(of_clicks)
    if every := amounts(rows):
        values["value"] = sum(every)
        last = max(day for day, _ in dated)
        values["last_value"] = sum(amounts([row for day, row in dated if day == last]))
        values["weighted_value"] = (sum(every) + 2 * sum(of_clicks)) / (len(every) + 2 * len(of_clicks))
    return values


def expected_weeks(touches: Rows, conversions: Rows, weeks: set[date]) -> Weekly:
    by_week: dict[date, Rows] = defaultdict(list)
    found: Weekly = defaultdict(float)
    for row in touches:
        assert isinstance(row["event_ts"], datetime)
        by_week[monday(row["event_ts"].date())].append(row)
    for row in conversions:
        assert isinstance(row["conversion_ts"], datetime)
        if row["conversion_ts"].date() < AS_OF:
            found[monday(row["conversion_ts"].date() + timedelta(days=40)), "bookings"] += 1
    for week, rows in by_week.items():
        found.update({(week, name): value for name, value in values_of_week(rows).items()})
    return {key: value for key, value in found.items() if key[0] in weeks}


def test_whatever_changes(tmp_path: Path) -> None:
    lived = tmp_path / "lived"
    for step in histories(seed=5, steps=4):
        project(lived, *step)
        measure(lived, "refresh")
        found, weeks = built_weeks(lived)
        assert found == pytest.approx(expected_weeks(*step, weeks), rel=1e-9)
    assert {name for _, name in found} == {str(row["name"]) for row in MEDIA}
    fresh = project(tmp_path / "fresh", *step)
    measure(fresh, "build")
    measure(fresh, "diff", databases(lived), databases(fresh), *KEPT)


def test_one_touch_costs_one_month(tmp_path: Path) -> None:
    """It lies in a week of two months, and after all conversions."""
    touches, conversions = histories(seed=6, steps=0)[0]
    conversions = [row for row in conversions if str(row["conversion_ts"]) < "2024-04-30"]
    measure(project(tmp_path, touches, conversions), "build")
    late = {**touches[0], "event_ts": datetime(2024, 4, 30, 23, 59, 59), "event_kind": "Email"}
    ended = measure(project(tmp_path, [*touches, late], conversions), "refresh")
    assert [computed(ended)[name] for name in ("int_mmm_media_daily", "fct_coverage_daily")] == [1, 0]
    found, weeks = built_weeks(tmp_path)
    assert found == pytest.approx(expected_weeks([*touches, late], conversions, weeks), rel=1e-9)


def test_one_conversion_costs_one_month_of_coverage(tmp_path: Path) -> None:
    touches, conversions = histories(seed=7, steps=0)[0]
    measure(project(tmp_path, touches, conversions), "build")
    late = {**conversions[0], "conversion_ts": datetime(2024, 3, 31, 23, 59, 59)}
    ended = measure(project(tmp_path, touches, [*conversions, late]), "refresh")
    assert [computed(ended)[name] for name in ("int_mmm_media_daily", "fct_coverage_daily")] == [0, 1]


def test_no_series_goes_by_days(tmp_path: Path) -> None:
    """Without any the relation is empty, and reads nothing; the first one fills it."""
    (step,) = histories(seed=8, steps=0)
    lived = project(tmp_path / "lived", *step, media=OF_CONVERSIONS)
    for _ in range(2):
        measure(lived, "refresh")
        found, weeks = built_weeks(lived)
        assert {name for _, name in found} == {"bookings"}
        assert found == {key: value for key, value in expected_weeks(*step, weeks).items() if key[1] == "bookings"}
    measure(project(lived, *step), "refresh")
    found, weeks = built_weeks(lived)
    assert found == pytest.approx(expected_weeks(*step, weeks), rel=1e-9)


def lived_elsewhere(folder: Path, target: str) -> Path:
    """A history on another engine, its last step built whole on DuckDB. What workers change at once is tried again."""
    *_, last = steps = histories(seed=9, steps=2)
    for step in steps:
        config = project(folder / "lived", *step) / "measure.toml"
        config.write_text(config.read_text(encoding="utf-8").replace(DUCKDB_TARGET, target), encoding="utf-8")
        measure(folder / "lived", "refresh", "--max-attempts", "20")
    fresh = project(folder / "fresh", *last)
    measure(fresh, "build")
    ended = invoke("diff", "--project-dir", str(folder / "lived"), "local", databases(fresh), *KEPT, "--json")
    assert (ended.exit_code, {one["status"] for one in ended.json["relations"]}) == (0, {"same"})
    assert [one["rows_a"] > 0 for one in ended.json["relations"]] == [True] * len(KEPT)
    return folder


def lived_on_snowflake(folder: Path) -> Path:
    with emulated("LOCAL"):
        return lived_elsewhere(folder, SNOWFLAKE_TARGET)


@pytest.mark.soak
def test_on_chdb(tmp_path: Path) -> None:
    url = chdb_url(tmp_path)
    assert elsewhere(lived_elsewhere, tmp_path, f'type = "clickhouse"\nurl = "{url}"') == tmp_path


@pytest.mark.soak
def test_on_snowflake(tmp_path: Path) -> None:
    assert elsewhere(lived_on_snowflake, tmp_path) == tmp_path
