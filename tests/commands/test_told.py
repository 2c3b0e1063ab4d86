"""What commands say of things that are no failure: rejected rows, nothing to do, where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import Workshop
from tests.commands.conftest import Starter
from tests.handed_on import hand_on

REJECTS = "my_stack/staging/stg_orders_rejects.sql"
COUNTS = """\
{{ config(materialized='table', tags=['rejects']) }}
SELECT 'orders' AS source_name, 'unreadable' AS reason, count(*) AS n_rows
FROM {{ source('orders') }}
WHERE NOT _unreadable IS NULL
HAVING count(*) > 0
"""
LOOK = 'rejected: 2 rows of source orders; why: measure query "SELECT reason, '


@pytest.fixture
def monthly(shop: Workshop) -> Workshop:
    """The shop, its incremental model built by months."""
    shop.replace("my_stack/staging/stg_orders.sql", "tags=['clean']", "tags=['clean'], time_column='day'")
    shop.write("my_stack/marts/fct_last.sql", "SELECT max(day) AS day FROM {{ ref('fct_monthly') }}")
    shop.measure("refresh")
    return shop


def tag_rejects(shop: Workshop) -> None:
    shop.replace(REJECTS, "materialized='table'", "materialized='table', tags=['rejects']")


# -- rows of sources that are not used -------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [False, True], ids=["a row each", "counts"])
def test_a_run_says_how_many_rows_it_rejected_and_where_it_stands_why(shop: Workshop, counts: bool) -> None:
    if counts:
        shop.write(REJECTS, COUNTS)
    else:
        tag_rejects(shop)
    told = shop.measure("build").stderr
    assert told.count("rejected: ") == 1
    assert LOOK in told
    command = told.partition('measure query "')[2].partition('"')[0]
    assert shop.measure("query", command).exit_code == 0
    assert "rejected: " not in shop.measure("build").stderr, "nothing was read"
    assert LOOK in shop.measure("refresh", "--full").stderr
    assert shop.measure("build", "--full", "--quiet").stderr == ""
    assert shop.build("--full").json["rejected"] == [{"source": "orders", "rows": 2, "relation": "stg_orders_rejects"}]


def test_nothing_is_said_when_every_row_is_used(shop: Workshop) -> None:
    tag_rejects(shop)
    shop.write("data/orders.csv", "id,day,city,amount\n1,2024-01-05,Oslo,10.00\n")
    assert "rejected: " not in shop.measure("build").stderr
    assert shop.build("--full").json["rejected"] == []


def test_the_demo_tells_what_it_rejects(starter: Starter) -> None:
    assert "rejected: 2 rows of source spend; why: " in starter.ended.stderr
    assert "rejected: 6 rows of source touchpoints; why: " in starter.ended.stderr


def test_a_stack_that_counts_tells_the_source(tmp_path: Path) -> None:
    assert Workshop(tmp_path).measure("init", str(tmp_path / "mine"), "--stack", "gnosis").exit_code == 0
    project = Workshop(hand_on("gnosis", tmp_path / "mine"))
    header, first, *_ = project.read("data/token_prices_daily.csv").splitlines()
    project.append("data/token_prices_daily.csv", "," * header.count(",") + "\n" + first.replace("-", "?") + "\n")
    found = project.measure("build", "+stg_unusable_rows", "--json").json["rejected"]
    assert found == [{"source": "token_prices_daily", "rows": 2, "relation": "stg_unusable_rows"}]


# -- what a refresh would do -----------------------------------------------------------------------------------------


def reasons(shop: Workshop, *options: str) -> dict[str, str]:
    models = shop.measure("refresh", "--dry-run", "--json", *options).json["models"]
    return {model["name"]: model["reason"] for model in models if model["build"] == "whole"}


def test_a_forecast_says_why_a_relation_would_be_built_whole(monthly: Workshop) -> None:
    assert reasons(monthly) == {}
    assert set(reasons(monthly, "--full").values()) == {"--full"}
    assert reasons(monthly, "--start", "2024-03-01") == {"fct_last": "reads what is asked for"}
    monthly.replace("my_stack/marts/fct_region.sql", "count(*)", "1 + count(*)")
    changed = "changed, or something it is made from"
    assert reasons(monthly) == {"fct_region": changed, "fct_share": "if what it is made from comes out different"}
    assert reasons(monthly, "--full")["fct_region"] == changed


def test_a_forecast_without_a_target_says_what_was_never_built(shop: Workshop) -> None:
    assert set(reasons(shop).values()) == {"never built"}


def test_a_forecast_of_nothing_says_so(monthly: Workshop) -> None:
    ended = monthly.measure("refresh", "--dry-run")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "nothing to do: all that is selected is up to date" in ended.stderr
    assert monthly.measure("refresh", "--dry-run", "--json").json["models"] == []


@pytest.mark.parametrize("option", [(), ("--dry-run",)], ids=["refresh", "forecast"])
def test_an_interval_without_data_is_said_to_be_empty(monthly: Workshop, option: tuple[str, ...]) -> None:
    told = "--start 2030-01-01: no selected incremental model has data in that interval"
    assert told in monthly.measure("refresh", "--start", "2030-01-01", *option).stderr
    assert "no selected" not in monthly.measure("refresh", "--start", "2024-03-01", *option).stderr


@pytest.mark.parametrize("option", [(), ("--dry-run",)], ids=["refresh", "forecast"])
def test_a_model_that_is_built_whole_has_every_interval(shop: Workshop, option: tuple[str, ...]) -> None:
    shop.measure("refresh")
    assert reasons(shop, "--start", "2030-01-01") == {"fct_monthly": "asked for"}
    assert "no selected" not in shop.measure("refresh", "--start", "2030-01-01", *option).stderr


# -- all stacks ------------------------------------------------------------------------------------------------------


@pytest.mark.soak
def test_all_stacks_are_built_one_after_the_other(tmp_path: Path) -> None:
    project = Workshop(tmp_path)
    document = project.measure("build", "tag:rejects", "+tag:rejects", "--stack", "all", "--json").json
    assert document["status"] == "success"
    assert [run["stack"] for run in document["stacks"]] == ["gnosis", "starter"]
    assert all((tmp_path / f"warehouse/{stack}.duckdb").exists() for stack in ("gnosis", "starter"))


@pytest.mark.parametrize("command", ["status", "list", "refresh"])
def test_only_a_build_takes_all_stacks(tmp_path: Path, command: str) -> None:
    ended = Workshop(tmp_path).measure(command, "--stack", "all")
    assert ended.exit_code == 2
    assert f"--stack all: {command} takes one stack; only build takes them all" in ended.stderr


def test_a_project_has_one_stack(shop: Workshop) -> None:
    ended = shop.measure("build", "--stack", "all")
    assert ended.exit_code == 2
    assert "here is a measure.toml with sources of its own" in ended.stderr


# -- the rest --------------------------------------------------------------------------------------------------------


def test_what_takes_its_time_is_told_before(tmp_path: Path) -> None:
    project = Workshop(tmp_path)
    told = project.measure("build", "source.users_current", "--stack", "gnosis").stderr.splitlines()
    assert "note generating the demo data of gnosis in warehouse/demo/gnosis-2026-07-01" in told
    assert any(line.startswith("note reading the inputs and compiling ") for line in told)
    again = project.measure("build", "source.users_current", "--stack", "gnosis", "--full").stderr
    assert "generating" not in again
    assert "compiling" not in again
    ended = project.measure("build", "source.users_current", "--stack", "gnosis", "--full", "--json")
    assert "the public salt of the demo data" in ended.stderr, "who reads the document should know that, too"
    ended = project.measure("build", "source.users_current", "--stack", "gnosis", "--full", "--json", "--quiet")
    assert ended.stderr == ""


def test_secrets_of_a_script_are_a_document_too(tmp_path: Path) -> None:
    project = Workshop(hand_on("gnosis", tmp_path))
    text = project.measure("sql", "--secrets", "--stack", "gnosis").stdout
    found = project.measure("sql", "--secrets", "--stack", "gnosis", "--json").json
    assert text == "".join(f"export {name}={value}\n" for name, value in found.items())
    assert found


def test_a_name_far_from_any_other_still_has_a_hint(starter: Starter) -> None:
    ended = starter.project.measure("list", "nope")
    assert ended.exit_code == 4
    assert "measure list names all relations" in ended.stderr


def test_a_target_that_is_not_built_is_named_in_the_advice(shop: Workshop) -> None:
    shop.append("measure.toml", '[targets.other]\ntype = "duckdb"\npath = "warehouse/other.duckdb"\n')
    ended = shop.measure("query", "SELECT 1", "--target", "other")
    assert ended.exit_code == 2
    assert "Build it: measure build --target other" in ended.stderr


def test_an_address_is_no_path(shop: Workshop) -> None:
    shop.replace("measure.toml", "data/orders.csv", "s3://bucket/orders.csv")
    ended = shop.measure("build")
    assert ended.exit_code == 2
    assert "source orders: s3://bucket/orders.csv is not on this machine: s3:// is not read" in ended.stderr
