"""Touchpoints counted per day, and what reads the counts: the spine of weeks and the daily channel summary.

Expected rows are made from the input in plain Python. Spine and summary are held against their own definitions, which
know nothing of the counts: touchpoints on or after as_of are part of the input in each case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.build.workshop import Workshop, invoke
from tests.refresh.forked import chdb_url, elsewhere
from tests.starter.project import DATABASE, Cell, Database, build, write_project
from tests.starter.relations import Rows, assert_same_rows, built_rows

AS_OF = date(2024, 6, 12)  # a Wednesday
MIDNIGHT = datetime(2024, 6, 12)
MICRO, DAY = timedelta(microseconds=1), timedelta(days=1)
DAILY, WEEKS = "intermediate.int_touchpoints_daily", "intermediate.int_mmm_weeks"
SUMMARY = "marts.mmm_daily_channel_summary"
COUNTED = (DAILY, WEEKS, SUMMARY)
DUCKDB_TARGET = f'type = "duckdb"\npath = "{DATABASE}"'

FUTURE = [(MIDNIGHT, "Email"), (MIDNIGHT + MICRO, "Future Only"), (datetime(2024, 7, 3, 9), "Email")]
PAST = [
    (MIDNIGHT - MICRO, "Email"),
    (MIDNIGHT - DAY, "Email"),
    (MIDNIGHT - DAY, " Email "),
    (datetime(2024, 5, 31, 23, 59, 59, 999_999), "Email"),
    (datetime(2024, 6, 1), "email"),
    (datetime(2024, 5, 6), 'it\'s; -- "quoted" 🎉'),
    (datetime(2024, 4, 30, 12), "00123"),
    *[(datetime(2024, 4, 30, 12), "123")] * 3,
    (datetime(2024, 2, 29, 23, 59, 59, 999_999), "NULL"),
    (datetime(2023, 12, 31), "Email"),
]
# What staging rejects is counted nowhere: it has no user, no time, a time of no calendar, no kind, a reserved one.
REJECTED: list[dict[str, Cell]] = [
    {"user_id": " ", "event_ts": MIDNIGHT - DAY, "event_kind": "Email"},
    {"user_id": "ann", "event_ts": None, "event_kind": "Email"},
    {"user_id": "ann", "event_ts": datetime(1899, 12, 31), "event_kind": "Email"},
    {"user_id": "ann", "event_ts": MIDNIGHT - DAY, "event_kind": " "},
    {"user_id": "ann", "event_ts": MIDNIGHT - DAY, "event_kind": "(unattributed)"},
]


@dataclass(frozen=True)
class Case:
    """What staging accepts, and the variable spine_start."""

    touches: tuple[tuple[datetime, str], ...]
    conversions: tuple[datetime, ...] = (datetime(2024, 5, 2, 8), datetime(2024, 6, 20))
    spine_start: date | None = None

    def counts(self) -> Counter[tuple[date, str]]:
        """Touchpoints of complete days."""
        return Counter((ts.date(), kind.strip()) for ts, kind in self.touches if ts < MIDNIGHT)

    def weeks(self) -> list[date]:
        """Complete weeks from the first one with data, of whatever day, to the last one before as_of."""
        first = self.spine_start or min([*(ts for ts, _ in self.touches), *self.conversions]).date()
        return list(days_between(first + timedelta(days=-first.weekday() % 7), AS_OF - timedelta(days=2), 7))

    def summary_days(self) -> list[date]:
        """Every day from the first one with data, of complete days only, to the last one before as_of."""
        complete = [ts.date() for ts in [*(ts for ts, _ in self.touches), *self.conversions] if ts < MIDNIGHT]
        first = self.spine_start or min(complete, default=AS_OF)
        return list(days_between(first, AS_OF, 1))


def days_between(first: date, end: date, step: int) -> Iterator[date]:
    while first < end:
        yield first
        first += timedelta(days=step)


CASES = {
    "no touchpoints": Case(()),
    "all of them later": Case(tuple(FUTURE)),
    "nothing is complete": Case(tuple(FUTURE), conversions=(datetime(2024, 6, 13),)),
    "around as_of": Case((*PAST, *FUTURE)),
    "only the last moment": Case(((MIDNIGHT - MICRO, "Email"),), conversions=(datetime(2024, 6, 20),)),
    "spine_start": Case((*PAST, *FUTURE, (datetime(1969, 12, 31), "Old")), spine_start=date(2024, 4, 30)),
}


def project(folder: Path, case: Case, *, with_ids: bool = False) -> Path:
    accepted: list[dict[str, Cell]] = [
        {"user_id": f"user {number % 3}", "event_ts": ts, "event_kind": kind}
        for number, (ts, kind) in enumerate(case.touches)
    ]
    touchpoints = [
        {**row, "event_id": f"id {number}"} if with_ids else row for number, row in enumerate(REJECTED + accepted)
    ]
    conversions: list[dict[str, Cell]] = [
        {"user_id": "buyer", "conversion_ts": ts, "conversion_kind": "order"} for ts in case.conversions
    ]
    variables = {"spine_start": str(case.spine_start)} if case.spine_start else {}
    return write_project(
        folder, {"touchpoints": touchpoints, "conversions": conversions}, as_of=AS_OF, variables=variables
    )


def assert_counted(database: Database, case: Case) -> None:
    counts = case.counts()
    daily = {key: {"n_touchpoints": number} for key, number in counts.items()}
    assert_same_rows(built_rows(database, DAILY, ("event_date", "event_kind")), daily, "counts")
    weeks: Rows = {(week,): {"week_index": index} for index, week in enumerate(case.weeks())}
    assert_same_rows(built_rows(database, WEEKS, ("week",)), weeks, "weeks")
    summary = {
        (day, channel): {"touches": counts[day, channel], "has_touch_data": (day, channel) in counts}
        for day in case.summary_days()
        for channel in {*(kind for _, kind in counts), "(unattributed)"}
    }
    assert_same_rows(built_rows(database, SUMMARY, ("date", "channel")), summary, "summary")


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        ("no touchpoints", {DAILY}),
        ("all of them later", {DAILY}),
        ("nothing is complete", {DAILY, WEEKS, SUMMARY}),
        ("around as_of", set()),
        ("only the last moment", {WEEKS}),
        ("spine_start", set()),
    ],
)
def test_counts_of_one_build(tmp_path: Path, name: str, empty: set[str]) -> None:
    database = build(project(tmp_path, CASES[name]))
    assert_counted(database, CASES[name])
    assert {relation for relation in COUNTED if not database.rows(f"FROM {relation} LIMIT 1")} == empty


@pytest.mark.parametrize("with_ids", [False, True])
def test_counts_of_a_history(tmp_path: Path, with_ids: bool) -> None:
    """Touchpoints come and go, whole tables of them; those with ids are staged at once."""
    for name in (*CASES, "around as_of", "no touchpoints"):
        assert_counted(build(project(tmp_path, CASES[name], with_ids=with_ids), "refresh"), CASES[name])


def test_one_touchpoint_costs_one_month(tmp_path: Path) -> None:
    case = CASES["around as_of"]
    build(project(tmp_path, case))
    more = Case((*case.touches, (datetime(2024, 2, 29), "Email")))
    ended = invoke("refresh", "--project-dir", str(project(tmp_path, more)), "--json")
    assert {model["name"]: model["batches"] for model in ended.json["models"]}["int_touchpoints_daily"] == 1
    assert_counted(Database(tmp_path / DATABASE), more)


# One touchpoint too many, no number, and one kind of a day missing.
WRONG = [
    f"UPDATE {DAILY} SET n_touchpoints = 2 WHERE event_kind = 'NULL'",
    f"UPDATE {DAILY} SET n_touchpoints = NULL WHERE event_kind = 'NULL'",
    f"DELETE FROM {DAILY} WHERE event_kind = '00123'",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_counts_are_found(tmp_path: Path, wrong: str) -> None:
    """By an audit of everything; a refresh looks at what it replaces."""
    case = CASES["around as_of"]
    build(project(tmp_path, case), "refresh")
    with duckdb.connect(str(tmp_path / DATABASE)) as connection:
        connection.execute(wrong)
    project(tmp_path, Case((*case.touches, (datetime(2024, 6, 3), "Email"))))
    shop = Workshop(tmp_path, DATABASE)
    audit = "int_touchpoints_daily", "daily_counts_match(n_touchpoints)"
    refreshed = shop.measure("refresh", "+int_touchpoints_daily", "--json").audits[audit]
    assert (refreshed["status"], refreshed["failures"]) == ("pass", 0)
    audited = shop.measure("audit", "int_touchpoints_daily", "--json").audits[audit]
    assert (audited["status"], audited["failures"]) == ("fail", 1)


def lived_on_chdb(folder: Path, names: list[str]) -> None:
    """A history on chDB; after each of its steps the rows are those that DuckDB builds at once."""
    relations = [relation.partition(".")[2] for relation in COUNTED]
    for name in names:
        fresh = build(project(folder / name.replace(" ", "_"), CASES[name]))
        config = project(folder / "lived", CASES[name]) / "measure.toml"
        url = chdb_url(folder)
        config.write_text(
            config.read_text(encoding="utf-8").replace(DUCKDB_TARGET, f'type = "clickhouse"\nurl = "{url}"'),
            encoding="utf-8",
        )
        at = ("--project-dir", str(folder / "lived"), "--json")
        refreshed = invoke("refresh", *(f"+{relation}" for relation in relations), *at)
        assert refreshed.exit_code == 0, refreshed.stderr
        ended = invoke("diff", "local", str(fresh.path), *relations, *at)
        found = {one["name"]: one["status"] for one in ended.json["relations"]}
        assert found == dict.fromkeys(relations, "same"), name


@pytest.mark.parametrize(
    "names",
    [["all of them later", "around as_of"], pytest.param([*CASES, "no touchpoints"], marks=pytest.mark.soak)],
    ids=["short", "long"],
)
def test_counts_on_chdb(tmp_path: Path, names: list[str]) -> None:
    elsewhere(lived_on_chdb, tmp_path, names)
