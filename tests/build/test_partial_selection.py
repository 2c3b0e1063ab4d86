"""Builds of a part: what is read from the published rest, and that a later whole build repairs what was left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import BELOW_STG_ORDERS, EVERYTHING, Workshop, open_workshop

LARGE_ORDER = "9,2024-03-02,Rome,500.00\n"


def same_as_fresh(shop: Workshop, folder: Path) -> None:
    """The target holds what a first build of the same project makes."""
    fresh = open_workshop(folder)
    for file in shop.folder.rglob("*"):
        if file.is_file() and "warehouse" not in file.parts and ".measure" not in file.parts:
            fresh.write(str(file.relative_to(shop.folder)), file.read_text(encoding="utf-8"))
    fresh.build()
    assert shop.content() == fresh.content()


def test_a_selected_model_reads_the_published_version_of_the_rest(built: Workshop, tmp_path: Path) -> None:
    built.append("data/orders.csv", LARGE_ORDER)
    built.replace("my_stack/marts/fct_day.sql", "sum(amount)", "2 * sum(amount)")
    ended = built.build("fct_day")
    assert ended.having("built") == {"fct_day"}
    assert built.query("SELECT sum(amount) FROM marts.fct_day") == built.query(
        "SELECT 2 * sum(amount) FROM staging.stg_orders"
    )
    assert built.query("SELECT count(*) FROM staging.stg_orders") == [(6,)], "the unselected parent stays as it was"
    later = built.build()
    assert later.having("built") == EVERYTHING - {"cities"}, "fct_day too: it was made from an older stg_orders"
    same_as_fresh(built, tmp_path / "fresh")


def test_children_left_behind_are_found_later(built: Workshop, tmp_path: Path) -> None:
    built.replace("my_stack/staging/stg_orders.sql", ">= ", "> 1 AND amount >= ")
    assert built.build("stg_orders").having("built") == {"stg_orders"}
    assert built.build().having("built") == BELOW_STG_ORDERS
    same_as_fresh(built, tmp_path / "fresh")


def test_children_built_before_their_parent_are_built_again(built: Workshop, tmp_path: Path) -> None:
    """Child first over the old parent, then the parent alone, then all: the child has to be made a second time."""
    change = ("my_stack/staging/stg_orders.sql", ">= ", "> 1 AND amount >= ")
    built.replace(*change)
    built.replace("my_stack/marts/fct_region.sql", "count(*)", "count(id)")
    assert built.build("fct_region").having("built") == {"fct_region"}
    assert built.build("stg_orders").having("built") == {"stg_orders"}
    assert "fct_region" in built.build().having("built")
    same_as_fresh(built, tmp_path / "fresh")


def test_a_stale_grandparent_hidden_by_a_fresh_parent_is_found(built: Workshop, tmp_path: Path) -> None:
    built.append("data/orders.csv", LARGE_ORDER)
    assert "fct_share" not in built.build("fct_region", "fct_share").having("built"), "their own inputs are as before"
    built.build("stg_orders")
    assert built.build("fct_share").having("built") == set()
    assert {"fct_region", "fct_share"} <= built.build().having("built")
    same_as_fresh(built, tmp_path / "fresh")


def test_a_stale_parent_behind_an_ephemeral_model(built: Workshop, tmp_path: Path) -> None:
    built.append("data/orders.csv", LARGE_ORDER)
    assert built.build("fct_large").having("built") == set()
    built.build("stg_orders")
    assert built.build("fct_large").having("built") == {"fct_large"}
    built.build()
    same_as_fresh(built, tmp_path / "fresh")


def test_a_model_brings_its_own_sources_and_registries(shop: Workshop) -> None:
    assert set(shop.build("stg_orders").statuses) == {"source.orders", "stg_orders"}
    assert set(shop.build("int_located").statuses) == {"cities", "int_located"}


def test_reading_a_relation_that_is_not_built_is_a_mistake_of_usage(shop: Workshop) -> None:
    ended = shop.measure("build", "fct_share")
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert "fct_region" in ended.stderr
    assert "measure build +fct_share" in ended.stderr
    assert not shop.database.exists()


def test_reading_an_unbuilt_relation_through_an_ephemeral_model(shop: Workshop) -> None:
    ended = shop.measure("build", "fct_large")
    assert ended.exit_code == 2
    assert "stg_orders" in ended.stderr
    assert shop.build("+fct_large").having("built") == {"source.orders", "stg_orders", "fct_large"}


def test_a_refused_selection_leaves_the_target_as_it_was(built: Workshop) -> None:
    built.execute("DROP TABLE marts.fct_region")
    before, runs = built.content(), built.query("SELECT count(*) FROM measure_state.runs")
    built.replace("my_stack/marts/fct_share.sql", "gross /", "2 * gross /")
    assert built.measure("build", "fct_share").exit_code == 2
    assert built.content() == before
    assert built.query("SELECT count(*) FROM measure_state.runs") == runs


@pytest.mark.parametrize(
    "terms", [["+fct_share"], ["stg_orders", "int_located", "fct_region", "fct_share"], ["@stg_orders"]]
)
def test_a_path_through_the_stack(shop: Workshop, terms: list[str]) -> None:
    built = shop.build(*terms).having("built")
    assert {"source.orders", "cities", "stg_orders", "int_located", "fct_region", "fct_share"} <= built
    assert shop.query("SELECT sum(share) FROM marts.fct_share")[0][0] == pytest.approx(1)


def test_excluded_relations_are_left_alone(built: Workshop) -> None:
    built.append("data/orders.csv", LARGE_ORDER)
    assert "fct_day" not in built.build("--exclude", "fct_day").statuses
    assert built.build().having("built") == {"fct_day"}


def test_an_excluded_source_is_left_alone(built: Workshop) -> None:
    """Models bring their own sources, unless these are excluded by name."""
    built.append("data/orders.csv", LARGE_ORDER)
    assert "source.orders" not in built.build("stg_orders", "--exclude", "source.orders").statuses
    assert built.query("SELECT count(*) FROM sources.orders") == [(8,)]


def test_a_relation_of_a_failed_run_is_not_taken_for_built(built: Workshop) -> None:
    """The ledger moves with what is published, not with what was tried."""
    built.append("data/orders.csv", "10,2024-03-02,Rome,-900.00\n")
    built.replace("my_stack/stack.yml", "default: 0,", "default: -1000,")
    assert built.build(exit_code=1).statuses["fct_region"] == "failed"
    again = built.build(exit_code=1)
    assert again.statuses["fct_region"] == "failed"
    assert again.statuses["stg_orders"] == "unchanged"
