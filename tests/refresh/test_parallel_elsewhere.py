"""Stages, and several batches at once, on the other engines: the rows that one build on DuckDB gives.

In Snowflake, two transactions that change the same row wait for each other; in the emulator one of them fails, and is
tried again.
"""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from unittest import mock

import pytest

from tests.build.workshop import Ended
from tests.refresh.course import Moment, Phase
from tests.refresh.forked import DUCKDB_TARGET, Strike, elsewhere, move_to_chdb
from tests.refresh.staged_visits import computed_batches, open_staged
from tests.refresh.test_property_elsewhere import SNOWFLAKE_TARGET
from tests.refresh.visits import Rows, VisitShop
from tests.snowflake.emulator import emulated

KINDS = {3: "mail", 4: "search", 5: "unknown", 6: "fax"}
ROWS = Rows(
    tuple(("ann", datetime(2024, month, day), kind) for month in (1, 2) for day, kind in KINDS.items()),
    tuple((month, "ann", datetime(2024, month, 9), 1) for month in range(1, 4)),
)
PARTS = sorted(f"2024-0{month} {part}" for month in (1, 2) for part in ("mail", "search", "(others)"))


def names_of(ended: Ended) -> list[str]:
    """The batches that were computed of the model with stages."""
    assert ended.exit_code == 0, ended.stderr
    return sorted(computed_batches(ended.stderr))


def assert_same(shop: VisitShop, fresh: VisitShop) -> None:
    compared = shop.measure("diff", "local", str(fresh.database), "--json")
    found = {relation["name"]: relation["status"] for relation in compared.json["relations"]}
    assert {"fct_visits", "fct_touched", "fct_daily"} <= found.keys()
    assert set(found.values()) == {"same"}, found


def built_whole(folder: Path) -> VisitShop:
    fresh = open_staged(folder, ROWS)
    fresh.build()
    return fresh


@pytest.mark.soak
def test_stages_two_at_once_and_a_kill_on_chdb(tmp_path: Path) -> None:
    shop = move_to_chdb(open_staged(tmp_path / "shop", ROWS))
    strike = Strike(shop, ("refresh", "--threads", "2"), Moment(Phase.BATCHES, 40))
    assert strike.end() == -signal.SIGKILL
    resumed = shop.measure("refresh", "--threads", "2")
    assert set(names_of(resumed)) <= set(PARTS)
    fresh = built_whole(tmp_path / "fresh")
    assert_same(shop, fresh)
    again = shop.measure("refresh", "--full", "--threads", "3")
    assert names_of(again) == PARTS
    assert_same(shop, fresh)
    assert shop.refresh().having("built") == set()


def lived_on_snowflake(folder: Path) -> None:
    """A refresh on an account of its own, in this process."""
    shop = open_staged(folder / "shop", ROWS)
    shop.replace("measure.toml", DUCKDB_TARGET, SNOWFLAKE_TARGET)
    with emulated("LOCAL"), mock.patch("os.cpu_count", return_value=1):
        assert names_of(shop.measure("refresh")) == PARTS
        assert_same(shop, built_whole(folder / "fresh"))
        again = shop.measure("refresh", "--full", "--threads", "2", "--max-attempts", "30")
        assert names_of(again) == PARTS
        assert_same(shop, built_whole(folder / "again"))
        assert shop.refresh().having("built") == set()


@pytest.mark.soak
def test_stages_and_two_at_once_on_snowflake(tmp_path: Path) -> None:
    elsewhere(lived_on_snowflake, tmp_path)
