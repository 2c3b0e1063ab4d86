"""The generated files of the `starter` demo, read back without the tool."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from measure_cli.demo.starter_shop import CHANNELS

AS_OF = date(2025, 6, 30)
FIRST = date(2023, 6, 30)
PAID = {channel.name for channel in CHANNELS if channel.media}

Rows = list[dict[str, str]]


class Touch(NamedTuple):
    moment: datetime
    kind: str


class Conversion(NamedTuple):
    key: str
    user: str
    moment: datetime
    kind: str
    amount: float | None


class Demo(NamedTuple):
    rows: dict[str, Rows]
    touches: dict[str, list[Touch]]
    conversions: list[Conversion]

    def journeys(self, days: int = 60) -> dict[Conversion, list[Touch]]:
        """Eligible touches of each conversion, the earliest first."""
        window = timedelta(days=days)
        return {
            conversion: [
                touch
                for touch in self.touches.get(conversion.user, ())
                if conversion.moment - window <= touch.moment < conversion.moment
            ]
            for conversion in self.conversions
        }


def moment_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def usable(rows: Rows, key: str, moment: str) -> Rows:
    """The rows with a user and a time, each id once."""
    good = [row for row in rows if row["user_id"].strip() and moment_of(row[moment])]
    return list({row[key]: row for row in good}.values())


def read(files: dict[str, Path]) -> Demo:
    rows = {}
    for source, file in files.items():
        with file.open(encoding="utf-8", newline="") as lines:
            rows[source] = list(csv.DictReader(lines))
    touches: dict[str, list[Touch]] = defaultdict(list)
    for row in usable(rows["touchpoints"], "event_id", "event_ts"):
        touches[row["user_id"]].append(Touch(datetime.fromisoformat(row["event_ts"]), row["event_kind"]))
    for of_user in touches.values():
        of_user.sort()
    conversions = [
        Conversion(
            row["conversion_id"],
            row["user_id"],
            datetime.fromisoformat(row["conversion_ts"]),
            row["conversion_kind"],
            float(row["amount"]) if row["amount"] else None,
        )
        for row in usable(rows["conversions"], "conversion_id", "conversion_ts")
    ]
    return Demo(rows, touches, conversions)


def good_spend(demo: Demo) -> Rows:
    return [row for row in demo.rows["spend"] if row["date"] != "Total" and float(row["spend"]) >= 0]
