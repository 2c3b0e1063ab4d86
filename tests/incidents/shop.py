"""The starter stack on a few rows, in which every usual mistake about numbers shows; built once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.starter.project import Cell, Database, build, write_project

AS_OF = date(2025, 6, 30)
FIRST_WEEK = date(2025, 1, 6)
CLICKED = date(2025, 6, 9)
KPIS = """\
name,per,model,date_column,value,weight,filter,method,fill,unit,is_dedup_safe,description
orders,,int_conversions,conversion_date,1,,conversion_kind = 'order',sum,zero,conversions,true,Orders of the week
ghosts,,int_conversions,conversion_date,1,,conversion_kind = 'ghost',sum,zero,conversions,true,Nothing yet
"""


def touches() -> list[dict[str, Cell]]:
    """One journey of a week and a second, and one that crosses midnight."""
    rows = (
        ("week", datetime(2025, 6, 1, 10), "Early"),
        ("week", datetime(2025, 6, 8, 10), "Late"),
        ("night", datetime(2025, 5, 31, 23, 50), "Mail"),
    )
    return [{"user_id": user, "event_ts": moment, "event_kind": kind} for user, moment, kind in rows]


def conversions() -> list[dict[str, Cell]]:
    rows = (
        ("week", datetime(2025, 6, 8, 10, 0, 1), "order"),
        ("night", datetime(2025, 6, 1, 0, 10), "signup"),
        ("nobody", datetime(2025, 6, 2, 8), "order"),
    )
    return [
        {"user_id": user, "conversion_ts": moment, "conversion_kind": kind, "amount": 10.0}
        for user, moment, kind in rows
    ]


def spend() -> list[dict[str, Cell]]:
    """A channel that never changes, one that does, and two days on which a click costs 0.1 and 90."""
    weeks = [FIRST_WEEK + timedelta(weeks=number) for number in range(24)]
    steady = [(week, "Flat", 50.0, 5) for week in weeks]
    moving = [(week, "Moving", 10.0 * (number % 5 + 1), 5) for number, week in enumerate(weeks)]
    clicked = [(CLICKED, "Clicks", 10.0, 100), (CLICKED + timedelta(days=1), "Clicks", 90.0, 1)]
    return [
        {"date": day, "channel": channel, "spend": amount, "clicks": clicks}
        for day, channel, amount, clicks in (*steady, *moving, *clicked)
    ]


@cache
def built() -> Database:
    folder = Path(mkdtemp(prefix="incidents-"))
    sources = {"touchpoints": touches(), "conversions": conversions(), "spend": spend()}
    write_project(folder, sources, as_of=AS_OF)
    (folder / "registries" / "mmm_kpi_registry.csv").write_text(KPIS, encoding="utf-8")
    return build(folder)


def value(sql: str) -> Any:
    """The only value of a query."""
    (row,) = built().rows(sql)
    (found,) = row.values()
    return found
