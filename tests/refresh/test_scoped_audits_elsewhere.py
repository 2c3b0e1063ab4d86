"""Audits by parts on the other engines: they leave alone what stays, and find what is new, as on DuckDB."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest

from measure_cli.connecting import ddl_for, engine_kind, open_engine
from measure_cli.kinds import EngineKind
from measure_cli.project import Overrides, load_project
from measure_cli.types import Statement
from tests.refresh.forked import DUCKDB_TARGET, chdb_url, elsewhere
from tests.refresh.sales import AS_OF, MODEL, SalesShop, World, open_sales, verdicts
from tests.refresh.test_property_elsewhere import SNOWFLAKE_TARGET
from tests.snowflake.emulator import emulated

PASS = ("pass", 0)
FOUND = {
    "accepted_range(amount)": ("fail", 2),
    "relationships(seller)": ("warn", 2),
    "accepted_values(kind)": ("fail", 1),
    "unique(id)": ("fail", 1),
    "unique_combination_of_columns": ("fail", 1),
    "credit_conservation": ("fail", 1),
    "hats_are_cheap": ("fail", 1),
    "row_count_between": ("fail", 1),
}


def spoil(shop: SalesShop, number: int) -> None:
    """Change a published row behind the tool's back."""
    project = load_project(Overrides(date.fromisoformat(AS_OF), project_dir=shop.folder))
    ddl = ddl_for(engine_kind(project), project.target.settings)
    name = ddl.name(ddl.place("marts"), MODEL)
    if ddl.kind is EngineKind.CLICKHOUSE:
        sql = f"ALTER TABLE {name} UPDATE amount = 51 WHERE id = {number} SETTINGS mutations_sync = 2"
    else:
        sql = f"UPDATE {name} SET amount = 51 WHERE id = {number}"
    with closing(open_engine(project, read_only=False)) as engine, closing(engine.session()) as session:
        session.execute(Statement(sql))


def lived(folder: Path, target: str) -> list[dict[str, tuple[str, int]]]:
    """The verdicts on good rows, when a published one was changed behind the tool's back, on bad and on mended rows."""
    world, found = World(), []
    for month in range(1, 7):
        world.sell(month, datetime(2024, month, 9, 12))
    shop = open_sales(folder, world)
    shop.replace("measure.toml", DUCKDB_TARGET, target)
    found.append(verdicts(shop.refresh()))
    spoil(shop, 2)
    world.sell(7, datetime(2024, 5, 20))
    shop.follow(world)
    found.append(verdicts(shop.refresh()))
    good = list(world.sales), list(world.totals)
    world.sell(
        3, datetime(2024, 5, 22), buyer="buyer 2", amount=51, seller="nobody", kind="shoe", share=0.5, basket="t7"
    )
    world.sell(8, datetime(2024, 5, 23), kind="hat", amount=45, seller="nobody")
    world.sell(9, datetime(2024, 5, 24), kind="sock")
    shop.follow(world)
    found.append(verdicts(shop.refresh()))
    world.sales, world.totals = good
    shop.follow(world)
    found.append(verdicts(shop.refresh()))
    return found


def lived_on_snowflake(folder: Path) -> list[dict[str, tuple[str, int]]]:
    with emulated("LOCAL"):
        return lived(folder, SNOWFLAKE_TARGET)


@pytest.mark.parametrize(
    "engine", ["duckdb", *(pytest.param(engine, marks=pytest.mark.soak) for engine in ("chdb", "snowflake"))]
)
def test_what_is_new_is_found_and_what_stays_is_left_alone(tmp_path: Path, engine: str) -> None:
    match engine:
        case "duckdb":
            clean, spoiled, bad, mended = lived(tmp_path, DUCKDB_TARGET)
        case "chdb":
            target = f'type = "clickhouse"\nurl = "{chdb_url(tmp_path)}"'
            clean, spoiled, bad, mended = elsewhere(lived, tmp_path, target)
        case _:
            clean, spoiled, bad, mended = elsewhere(lived_on_snowflake, tmp_path)
    assert len(clean) == 15
    assert set(clean.values()) == set(spoiled.values()) == set(mended.values()) == {PASS}
    assert {name: verdict for name, verdict in bad.items() if verdict != PASS} == FOUND
