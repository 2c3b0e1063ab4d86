"""Years of 53 ISO weeks: the weekly frame across their ends, against the calendar of Python."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.build.workshop import invoke
from tests.handed_on import hand_on

SPINE_WEEKS = 104
PROJECT = """\
[project]
name = "long"
stack = "gnosis"
as_of = "{as_of}"

[sources.transactions_info_daily]
path = "transactions.csv"
"""
FRAME = "SELECT week, week_index, week_of_year FROM intermediate.int_execution_mmm_weeks ORDER BY week"
SPINE = """
    SELECT week, ctrl_week_index, ctrl_week_of_year, kpi_chain_tx_count
    FROM marts.fct_execution_mmm_spine_weekly ORDER BY week
"""


def built(folder: Path, as_of: date) -> tuple[list[Any], list[Any]]:
    """Frame and spine of a project that has one row a day, with the day of the month as its value."""
    days = (as_of - timedelta(days=back) for back in range(800))
    rows = "".join(f"{day},{day.day},1.5\n" for day in days)
    (folder / "transactions.csv").write_text(f"date,n_txs,gas_price_median\n{rows}", encoding="utf-8")
    (folder / "measure.toml").write_text(PROJECT.format(as_of=as_of), encoding="utf-8")
    ended = invoke("build", "+fct_execution_mmm_spine_weekly", "--project-dir", str(hand_on("gnosis", folder)))
    assert ended.exit_code == 0, ended.stderr
    with duckdb.connect(str(folder / "warehouse/long.duckdb"), read_only=True) as connection:
        return connection.execute(FRAME).fetchall(), connection.execute(SPINE).fetchall()


@pytest.mark.parametrize(
    ("as_of", "last_week"),
    [
        (date(2021, 1, 3), date(2020, 12, 21)),  # the Sunday of 2020-W53: that week is not complete
        (date(2021, 1, 4), date(2020, 12, 28)),
        (date(2021, 1, 20), date(2021, 1, 11)),
        (date(2027, 1, 1), date(2026, 12, 21)),
        (date(2027, 1, 4), date(2026, 12, 28)),
        (date(2027, 2, 10), date(2027, 2, 1)),
    ],
)
def test_weeks_of_a_long_year(tmp_path: Path, as_of: date, last_week: date) -> None:
    frame, spine = built(tmp_path, as_of)
    weeks = [last_week - timedelta(weeks=back) for back in range(SPINE_WEEKS - 1, -1, -1)]
    assert frame == [(week, index, week.isocalendar().week) for index, week in enumerate(weeks)]
    assert spine == [
        (week, index, week.isocalendar().week, sum((week + timedelta(days=n)).day for n in range(7)))
        for index, week in enumerate(weeks)
    ]


def test_both_years_have_a_week_53() -> None:
    assert date(2020, 12, 28).isocalendar()[:2] == (2020, 53)
    assert date(2026, 12, 28).isocalendar()[:2] == (2026, 53)
