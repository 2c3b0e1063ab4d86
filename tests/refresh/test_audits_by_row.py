"""An audit that judges each row by what the row sees looks at the days that are built again, and at no others."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.build.workshop import ROOT, Ended, invoke
from tests.starter.project import DATABASE, Cell, write_project

AS_OF = date(2024, 7, 1)
CHANGED = 10  # of May: with a lookback of 3 days the days from 10 to 13 May are built again
MODEL = "sql_templates/starter/intermediate/int_journeys.sql"
HEAD, CALL, ARGUMENTS = (ROOT / MODEL).read_text(encoding="utf-8").partition("{{ journeys_wide(")
LEAKING = f"""{HEAD}
SELECT journeys.* REPLACE (
  CASE WHEN n_touches_3d > 1 THEN first_touch_ts_3d - INTERVAL 1 MINUTE ELSE first_touch_ts_3d END AS first_touch_ts_3d
)
FROM (
{CALL}{ARGUMENTS}
) AS journeys
"""
Rows = list[dict[str, Cell]]


def touch(user: str, day: int, hour: int = 8) -> dict[str, Cell]:
    return {"user_id": user, "event_ts": datetime(2024, 5, day, hour), "event_kind": "Email"}


def conversion(user: str, day: int) -> dict[str, Cell]:
    return {"user_id": user, "conversion_ts": datetime(2024, 5, day, 12), "conversion_kind": "order"}


class Shop:
    """Users who buy on the day of their touch: `u12` on 12 May."""

    def __init__(self, folder: Path, journeys: str | None = None) -> None:
        self.folder = folder
        if journeys:
            template = folder / MODEL
            template.parent.mkdir(parents=True)
            template.write_text(journeys, encoding="utf-8")
        self.touches: Rows = [touch(f"u{day}", day) for day in range(5, 29)]
        self.conversions: Rows = [conversion(f"u{day}", day) for day in range(5, 29)]
        self.follow()

    def follow(self) -> None:
        sources = {"touchpoints": self.touches, "conversions": self.conversions}
        write_project(self.folder, sources, as_of=AS_OF, variables={"lookbacks": [3]})

    def measure(self, command: str, *arguments: str) -> Ended:
        return invoke(command, "--project-dir", str(self.folder), *arguments, "--json")

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.folder / DATABASE)) as connection:
            connection.execute(sql)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    assert shop.measure("refresh").exit_code == 0
    return shop


def verdict(ended: Ended) -> tuple[Any, Any]:
    audit = ended.audits["int_journeys", "no_leakage"]
    return audit["status"], audit["failures"]


def forge(shop: Shop, day: int) -> None:
    """A published journey of one day gets a first touch that nobody made, inside of its window."""
    shop.execute(
        "UPDATE intermediate.int_journeys SET first_touch_ts_3d = first_touch_ts_3d - INTERVAL 1 MINUTE "
        f"WHERE conversion_date = DATE '2024-05-{day}'"
    )


@pytest.mark.parametrize("day", [CHANGED - 1, CHANGED + 4], ids=["before", "after"])
def test_other_days_of_the_month_are_not_looked_at_again(shop: Shop, day: int) -> None:
    """They see no changed day, and were audited when they were published."""
    forge(shop, day)
    shop.touches.append(touch("passer-by", CHANGED))
    shop.follow()
    assert verdict(shop.measure("refresh")) == ("pass", 0)
    assert verdict(shop.measure("audit", "int_journeys")) == ("fail", 1)


@pytest.mark.parametrize(("day", "hour"), [(CHANGED, 7), (CHANGED + 3, 13)], ids=["first", "last"])
def test_days_that_are_built_again_are_looked_at(tmp_path: Path, day: int, hour: int) -> None:
    """A model that invents a touch for whoever has two of them in the window."""
    shop = Shop(tmp_path, LEAKING)
    assert verdict(shop.measure("refresh")) == ("pass", 0)
    shop.touches.append(touch(f"u{day}", CHANGED, hour))
    shop.follow()
    ended = shop.measure("refresh")
    assert (ended.exit_code, verdict(ended)) == (1, ("fail", 1))


def test_without_a_record_all_months_are_looked_at(shop: Shop) -> None:
    forge(shop, CHANGED + 4)
    shop.execute("DELETE FROM measure_state.clean")
    shop.touches.append(touch("passer-by", CHANGED))
    shop.follow()
    assert verdict(shop.measure("refresh")) == ("fail", 1)
