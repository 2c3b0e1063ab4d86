"""Histories on the other engines end in what one build on DuckDB gives. The emulator of Snowflake dies with a kill."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.refresh.forked import DUCKDB_TARGET, elsewhere, move_to_chdb
from tests.refresh.test_property import History, World, histories, runs, unbroken_runs
from tests.refresh.visits import VisitShop, open_visits
from tests.snowflake.emulator import emulated

SNOWFLAKE_TARGET = 'type = "snowflake"\naccount = "acme"\nuser = "measure"\ndatabase = "ANALYTICS"'
few = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def assert_whole(world: World, folder: Path) -> None:
    """The same rows as in a fresh DuckDB file, internal relations aside, and nothing left to do."""
    fresh = world.built_whole(folder)
    compared = world.shop.measure("diff", "local", str(fresh.database), *world.arguments, "--json")
    found = {relation["name"]: relation["status"] for relation in compared.json["relations"]}
    assert {"fct_touched", "int_touched", "fct_daily", "fct_total", "stg_visits"} <= found.keys()
    assert set(found.values()) == {"same"}, found
    assert world.shop.refresh(*world.arguments).having("built") == set()


@pytest.mark.soak
@few
@given(histories(runs, most=3))
def test_any_history_on_chdb(history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(move_to_chdb(open_visits(Path(folder) / "lived")))
        world.live(history)
        assert_whole(world, Path(folder) / "fresh")


def lived_on_snowflake(folder: Path, history: History) -> None:
    """One history on an account of its own, in this process. What several workers change at once is tried again."""
    shop: VisitShop = open_visits(folder / "lived")
    shop.replace("measure.toml", DUCKDB_TARGET, SNOWFLAKE_TARGET)
    with emulated("LOCAL"):
        world = World(shop, "--max-attempts", "20")
        world.live(history)
        assert_whole(world, folder / "fresh")


@pytest.mark.soak
@few
@given(histories(unbroken_runs, most=3))
def test_any_history_on_snowflake(history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        elsewhere(lived_on_snowflake, Path(folder), history)
