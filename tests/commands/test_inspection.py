"""list, show, status, demo: what they say of the bundled starter and of a small stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import ABSENT, EVERYTHING, Workshop
from tests.commands.conftest import Starter

MARTS = {
    *(f"fct_{what}_{days}d" for what in ("journeys", "attribution") for days in (7, 30, 60)),
    *("fct_coverage_daily", "fct_funnel_daily", "mmm_daily_channel_summary", "mmm_weekly_channel_summary"),
    *("fct_mmm_spine_weekly", "fct_mmm_baseline_latest", "fct_mmm_collinearity_latest"),
}


def test_list_names_the_marts_of_the_contract(starter: Starter) -> None:
    marts = {fact["name"] for fact in starter.project.measure("list", "layer:marts", "--json").json}
    assert marts == MARTS


def test_list_stands_in_the_order_of_building(built: Workshop) -> None:
    facts = built.measure("list", "--json").json
    place = {fact["name"]: index for index, fact in enumerate(facts)}
    assert set(place) == EVERYTHING | ABSENT | {"eph_large"}
    assert all(place[parent] < place[fact["name"]] for fact in facts for parent in fact["reads"])


def test_list_tells_the_facts(built: Workshop) -> None:
    facts = {fact["name"]: fact for fact in built.measure("list", "--json").json}
    assert facts["fct_region"]["kind"] == "model"
    assert facts["fct_region"]["layer"] == "marts"
    assert facts["fct_region"]["materialized"] == "table"
    assert facts["fct_region"]["tags"] == ["mart", "money"]
    assert facts["fct_region"]["reads"] == ["int_located"]
    assert facts["fct_region"]["audits"] == 3
    assert facts["int_located"]["materialized"] == "view"
    assert facts["eph_large"]["materialized"] == "ephemeral"
    assert facts["cities"]["kind"] == "registry"
    assert facts["source.orders"]["kind"] == "source"
    assert facts["fct_refunds"]["left_out"]


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        (["tag:money"], {"fct_region"}),
        (["+fct_day"], {"source.orders", "stg_orders", "fct_day"}),
        (["1+fct_share"], {"fct_region", "fct_share"}),
        (["layer:marts", "--exclude", "fct_r*"], {"fct_day", "fct_large", "fct_monthly", "fct_share"}),
        (["tag:mart,+fct_share"], {"fct_region", "fct_share"}),
    ],
)
def test_list_takes_a_selection(shop: Workshop, terms: list[str], names: set[str]) -> None:
    assert {fact["name"] for fact in shop.measure("list", *terms, "--json").json} == names


def test_list_needs_no_target(shop: Workshop) -> None:
    assert shop.measure("list").exit_code == 0
    assert not shop.database.exists()


def test_list_as_text_names_everything(starter: Starter) -> None:
    text = starter.project.measure("list").stdout
    for name in MARTS:
        assert name in text


def test_show_tells_meaning_columns_audits_and_rows(starter: Starter) -> None:
    text = starter.project.measure("show", "fct_attribution_30d").stdout
    for told in (
        "marts.fct_attribution_30d",
        "conversions_with_touch",
        "BIGINT",
        "unique_combination_of_columns",
        "Paid Search",
    ):
        assert told in text


def test_show_as_data(built: Workshop) -> None:
    found = built.measure("show", "fct_day", "--json").json
    assert found["name"] == "fct_day"
    assert found["description"] == "Orders per day."
    assert [column["name"] for column in found["columns"]] == ["day", "n_orders", "amount"]
    assert found["columns"][0]["type"] == "DATE"
    assert len(found["rows"]) == 6
    assert found["rows"][0]["day"] == "2024-01-05"
    assert len(found["audits"]) == 1


def test_show_limits_rows(built: Workshop) -> None:
    assert len(built.measure("show", "fct_day", "--limit", "2", "--json").json["rows"]) == 2
    assert built.measure("show", "fct_day", "--limit", "0").exit_code == 2


@pytest.mark.parametrize("name", ["source.orders", "cities", "int_located", "eph_large", "fct_refunds", "stg_orders"])
def test_show_knows_every_kind_of_relation(built: Workshop, name: str) -> None:
    assert built.measure("show", name).exit_code == 0
    found = built.measure("show", name, "--json").json
    assert found["name"] == name
    assert (found["rows"] is not None) == (name not in ("eph_large", "fct_refunds"))


def test_show_of_what_is_not_built(shop: Workshop) -> None:
    ended = shop.measure("show", "fct_day")
    assert ended.exit_code == 0
    assert "measure build" in ended.stdout
    assert shop.measure("show", "fct_day", "--json").json["rows"] is None
    assert not shop.database.exists()


def test_a_missing_value_is_told_from_an_empty_one(built: Workshop) -> None:
    text = built.measure("show", "source.orders").stdout
    assert "NULL" in text


def test_status_of_the_last_run(built: Workshop) -> None:
    found = built.measure("status", "--json").json
    assert found["run"]["status"] == "success"
    assert found["run"]["as_of"] == "2024-04-01"
    assert {row["relation"] for row in found["relations"]} == EVERYTHING
    assert found["audits"] == []
    built.replace("my_stack/marts/schema.yml", "min_value: 0", "max_value: 1")
    run_id = built.build(exit_code=1).json["run_id"]
    found = built.measure("status", "--json").json
    assert found["run"]["run_id"] == run_id
    assert found["run"]["status"] == "failed"
    assert [(row["relation"], row["audit"], row["failures"]) for row in found["audits"]] == [
        ("fct_region", "accepted_range(gross)", 3)
    ]
    text = built.measure("status").stdout
    assert "failed" in text
    assert "accepted_range(gross)" in text


def test_status_before_the_first_run(shop: Workshop) -> None:
    ended = shop.measure("status")
    assert ended.exit_code == 0
    assert "measure build" in ended.stdout
    assert shop.measure("status", "--json").json["run"] is None
    assert not shop.database.exists()


def test_reading_commands_change_nothing(built: Workshop) -> None:
    before = built.database.stat().st_mtime_ns
    for arguments in (["list"], ["show", "fct_day"], ["status"], ["sql"]):
        assert built.measure(*arguments).exit_code == 0
    assert built.database.stat().st_mtime_ns == before


def test_a_file_that_is_no_database(shop: Workshop) -> None:
    shop.write("warehouse/shop.duckdb", "this is not a database\n" * 1000)
    for arguments in (["build"], ["status"], ["show", "fct_day"], ["audit"]):
        ended = shop.measure(*arguments)
        assert ended.exit_code in (1, 2), arguments
        assert "shop.duckdb" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_demo_writes_the_same_files_every_time(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    contents = []
    for folder, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        ended = shop.run("demo", "--scale", "0.1", "--seed", seed, "--to", folder, "--json")
        assert set(ended.json) == {"touchpoints", "conversions", "spend", "kpis", "controls"}
        contents.append({file.name: file.read_bytes() for file in (tmp_path / folder).glob("*.csv")})
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_demo_of_an_unknown_stack(tmp_path: Path) -> None:
    ended = Workshop(tmp_path).run("demo", "--stack", "nothing")
    assert ended.exit_code == 2
    assert list(tmp_path.iterdir()) == []
