"""Touchpoints without ids are staged by months, the unusable ones too: in the end it is what one build gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.refresh.test_stacks import computed, databases, measure
from tests.starter.project import Cell, Table, write_project

AS_OF = date(2024, 6, 11)
FIRST = datetime(2024, 1, 31, 23, 59, 59)
STAGED = ("stg_touchpoints", "stg_touchpoints_rejects")
ODD_TIMES = ("", "infinity", "-infinity", "1899-12-31 23:59:59", "2299-01-01", "0001-01-01", "yesterday")


def touch(number: int, **cells: Cell) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "user_id": f"u{number % 5}",
        "event_ts": FIRST + timedelta(days=9 * number),
        "event_kind": "Email",
    }
    return {**row, **cells}


def touches(count: int, *more: Mapping[str, Cell]) -> Table:
    """Every 9 days one, beyond as_of too."""
    return [*(touch(number) for number in range(count)), *more]


def odd_touches() -> Table:
    odd = [touch(1, event_ts=text) for text in ODD_TIMES]
    return [*odd, touch(2, user_id=" "), touch(3, event_kind=None), touch(1), touch(1)]


def project(folder: Path, rows: Table) -> Path:
    conversions: Table = [
        {"user_id": f"u{number}", "conversion_ts": FIRST + timedelta(days=20 * number), "conversion_kind": "order"}
        for number in range(5)
    ]
    return write_project(folder, {"touchpoints": rows, "conversions": conversions}, as_of=AS_OF)


def staged(folder: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    with duckdb.connect(databases(folder), read_only=True) as connection:
        good = "SELECT user_pseudonym, CAST(event_ts AS VARCHAR) FROM staging.stg_touchpoints ORDER BY ALL"
        bad = "SELECT reason, CAST(filed_on AS VARCHAR), user_id FROM staging.stg_touchpoints_rejects ORDER BY ALL"
        return connection.execute(good).fetchall(), connection.execute(bad).fetchall()


def test_rows_come_change_and_go(tmp_path: Path) -> None:
    histories: list[Table] = [
        touches(30),
        touches(30, *odd_touches()),
        touches(30, *odd_touches()[2:], touch(40), touch(40, user_id=None)),
        touches(28),
        touches(30, *odd_touches()),
    ]
    for number, rows in enumerate(histories):
        lived = project(tmp_path / "lived", rows)
        measure(lived, "refresh", *STAGED)
        fresh = project(tmp_path / f"fresh {number}", rows)
        measure(fresh, "build", *STAGED)
        assert staged(lived) == staged(fresh)
    accepted, rejected = staged(lived)
    assert len(accepted) == 32
    assert max(str(moment) for _, moment in accepted) > str(AS_OF)
    assert [(reason, day) for reason, day, _ in rejected] == [
        *[("impossible event_ts", "1970-01-01")] * 3,
        ("missing event_kind", "2024-02-27"),
        ("missing event_ts", "1970-01-01"),
        ("missing user_id", "2024-02-18"),
        *[("unreadable event_ts", "1970-01-01")] * 3,
    ]


def test_a_row_without_a_time_costs_nothing_but_its_own_month(tmp_path: Path) -> None:
    folder = project(tmp_path, touches(30))
    measure(folder, "build")
    project(folder, touches(30, touch(1, event_ts=None)))
    batches = computed(measure(folder, "refresh"))
    assert (batches["stg_touchpoints"], batches["stg_touchpoints_rejects"]) == (1, 1)
    assert batches["int_journeys"] == 0


def test_another_as_of_stages_nothing_again(tmp_path: Path) -> None:
    folder = project(tmp_path, touches(30))
    measure(folder, "build")
    assert {"int_journeys"} <= computed(measure(folder, "refresh", "--as-of", "2024-06-12")).keys()
    models = {
        model["name"]: model["status"] for model in measure(folder, "refresh", "--as-of", "2024-06-13").json["models"]
    }
    assert models["stg_touchpoints"] == "unchanged"


@pytest.mark.parametrize("identifier", [None, "a"])
def test_ids_are_unique_among_all_months(tmp_path: Path, identifier: str | None) -> None:
    """With the column there, the relation is built whole: copies of an id may lie years apart."""
    with_ids = [
        {**row, "event_id": identifier if number in (0, 20) else None} for number, row in enumerate(touches(30))
    ]
    folder = project(tmp_path, with_ids)
    measure(folder, "refresh")
    _, rejected = staged(folder)
    assert [reason for reason, *_ in rejected] == (["duplicate event_id"] if identifier else [])
