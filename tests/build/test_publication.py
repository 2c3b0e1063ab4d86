"""Write, audit, publish: what fails is not published, nor what reads it; everything else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.workshop import EVERYTHING, Workshop, open_workshop

REFUND_ROW = "10,2024-03-02,Rome,-900.00\n"
REGION_AUDIT = "accepted_range(gross)"


@pytest.fixture
def broken(built: Workshop) -> Workshop:
    """A built project whose input now makes the gross of a region negative, which an audit of fct_region forbids."""
    built.replace("my_stack/stack.yml", "default: 0,", "default: -1000,")
    built.build()
    built.append("data/orders.csv", REFUND_ROW)
    return built


def test_a_mart_whose_audit_fails_is_not_published(broken: Workshop) -> None:
    before = broken.content()
    ended = broken.build(exit_code=1)
    assert ended.having("failed") == {"fct_region"}
    assert ended.having("skipped") == {"fct_share"}
    assert ended.having("built") == EVERYTHING - {"cities", "fct_region", "fct_share"}
    assert ended.json["status"] == "failed"
    assert ended.audits["fct_region", REGION_AUDIT]["status"] == "fail"
    assert ended.audits["fct_region", REGION_AUDIT]["failures"] == 1
    after = broken.content()
    for name in ("marts.fct_region", "marts.fct_share"):
        assert after[name] == before[name], "the version before is still served"
    for name in ("staging.stg_orders", "marts.fct_day", "marts.fct_monthly", "intermediate.int_located"):
        assert after[name] != before[name], "other branches are published"
    assert broken.leftovers() == []


def test_reasons_say_what_failed(broken: Workshop) -> None:
    reasons = broken.build(exit_code=1).reasons
    assert REGION_AUDIT in (reasons["fct_region"] or "")
    assert "fct_region" in (reasons["fct_share"] or "")


def test_offending_rows_are_shown(broken: Workshop) -> None:
    ended = broken.measure("build")
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert "1 offending row" in ended.stderr
    assert "south" in ended.stderr


def test_the_next_build_after_a_repair_publishes_everything(broken: Workshop, tmp_path: Path) -> None:
    broken.build(exit_code=1)
    broken.replace("data/orders.csv", REFUND_ROW, "10,2024-03-02,Rome,900.00\n")
    ended = broken.build()
    assert {"fct_region", "fct_share"} <= ended.having("built")
    assert broken.build().having("unchanged") == EVERYTHING
    fresh = open_workshop(tmp_path / "fresh", {"data/orders.csv": broken.read("data/orders.csv")})
    fresh.replace("my_stack/stack.yml", "default: 0,", "default: -1000,")
    fresh.build()
    assert broken.content() == fresh.content()


def test_a_failure_is_tried_again_by_every_build(broken: Workshop) -> None:
    broken.build(exit_code=1)
    again = broken.build(exit_code=1)
    assert again.having("failed") == {"fct_region"}
    assert again.having("built") == set()


def test_a_first_build_publishes_nothing_of_what_fails(shop: Workshop) -> None:
    shop.replace("my_stack/stack.yml", "default: 0,", "default: -1000,")
    shop.append("data/orders.csv", REFUND_ROW)
    shop.build(exit_code=1)
    assert "marts.fct_region" not in shop.relations()
    assert "marts.fct_share" not in shop.relations()
    assert "marts.fct_day" in shop.relations()
    assert shop.leftovers() == []


def test_a_failing_source_of_many_skips_all_of_them(built: Workshop) -> None:
    before = built.content()
    built.write(
        "my_stack/staging/schema.yml",
        "models:\n  - name: stg_orders\n    data_tests:\n      - row_count_between: {max_value: 3}\n",
    )
    ended = built.build(exit_code=1)
    assert ended.having("failed") == {"stg_orders"}
    assert ended.having("skipped") == {
        "int_located",
        "fct_region",
        "fct_share",
        "fct_day",
        "fct_large",
        "fct_monthly",
        "fct_recent",
    }
    assert built.content() == before


# -- views serve what their tables hold ------------------------------------------------------------------------------

LOCATED_AUDIT = """\
models:
  - name: int_located
    columns:
      - name: amount
        data_tests:
          - accepted_range: {min_value: 0}
"""


def test_a_failing_view_holds_back_the_tables_it_serves(broken: Workshop) -> None:
    broken.write("my_stack/intermediate/schema.yml", LOCATED_AUDIT)
    before = broken.content()
    ended = broken.build(exit_code=1)
    assert ended.having("failed") == {"int_located"}
    assert ended.having("skipped") == {"fct_region", "fct_share"}
    assert ended.having("held") == {"stg_orders", "fct_day", "fct_large", "fct_monthly", "fct_recent"}
    after = broken.content()
    assert after["intermediate.int_located"] == before["intermediate.int_located"], (
        "readers of the view see no offending row"
    )
    assert {name for name in after if after[name] != before[name]} == {"sources.orders"}
    assert broken.leftovers() == []


def test_held_tables_are_published_by_the_next_good_build(broken: Workshop) -> None:
    broken.write("my_stack/intermediate/schema.yml", LOCATED_AUDIT)
    broken.build(exit_code=1)
    broken.replace("data/orders.csv", REFUND_ROW, "10,2024-03-02,Rome,900.00\n")
    assert EVERYTHING - {"cities"} == broken.build().having("built")
    assert broken.query("SELECT count(*) FROM intermediate.int_located") == [(7,)]


def test_a_view_that_is_new_holds_nothing_back(broken: Workshop) -> None:
    """Nobody reads it yet, so its failure is its own."""
    broken.write("my_stack/intermediate/int_new.sql", "SELECT amount FROM {{ ref('stg_orders') }}\n")
    broken.write("my_stack/intermediate/schema.yml", LOCATED_AUDIT.replace("int_located", "int_new"))
    broken.replace("my_stack/marts/schema.yml", "min_value: 0", "min_value: -9999")
    ended = broken.build(exit_code=1)
    assert ended.unusual == {"int_new": "failed"}
    assert broken.query("SELECT count(*) FROM staging.stg_orders") == [(7,)]


def test_a_view_on_a_view_holds_back_the_table_below_both(broken: Workshop) -> None:
    broken.write("my_stack/intermediate/int_upper.sql", "SELECT amount FROM {{ ref('int_located') }}\n")
    broken.replace("data/orders.csv", REFUND_ROW, "")
    broken.build()
    broken.append("data/orders.csv", REFUND_ROW)
    broken.write("my_stack/intermediate/schema.yml", LOCATED_AUDIT.replace("int_located", "int_upper"))
    ended = broken.build(exit_code=1)
    assert ended.statuses["int_upper"] == "failed"
    assert ended.statuses["stg_orders"] == "held"
    assert broken.query("SELECT min(amount) FROM intermediate.int_upper")[0][0] > 0


def test_a_failing_view_that_becomes_a_table_holds_back_what_the_view_still_serves(broken: Workshop) -> None:
    broken.write("my_stack/intermediate/schema.yml", LOCATED_AUDIT)
    broken.replace(
        "my_stack/intermediate/int_located.sql",
        "SELECT orders.id",
        "{{ config(materialized='table') }}\nSELECT orders.id",
    )
    before = broken.content()["intermediate.int_located"]
    assert broken.build(exit_code=1).statuses["int_located"] == "failed"
    assert broken.relations()["intermediate.int_located"] == "view"
    assert broken.content()["intermediate.int_located"] == before


def test_a_failing_table_that_was_a_view_and_becomes_one_again(broken: Workshop) -> None:
    broken.replace("my_stack/marts/fct_region.sql", "materialized='table'", "materialized='view'")
    before = broken.content()
    ended = broken.build(exit_code=1)
    assert ended.statuses["fct_region"] == "failed"
    assert broken.relations()["marts.fct_region"] == "table"
    assert broken.content()["marts.fct_region"] == before["marts.fct_region"]


# -- models that the database refuses --------------------------------------------------------------------------------


def test_a_model_that_fails_while_it_runs(built: Workshop) -> None:
    before = built.content()
    built.replace("my_stack/marts/fct_region.sql", "count(*)", "sum(CAST(region AS INTEGER))")
    ended = built.build(exit_code=1)
    assert ended.having("failed") == {"fct_region"}
    assert ended.having("skipped") == {"fct_share"}
    assert "Could not convert" in (ended.reasons["fct_region"] or "")
    assert built.content() == before
    assert built.leftovers() == []
    built.replace("my_stack/marts/fct_region.sql", "sum(CAST(region AS INTEGER))", "count(*)")
    assert built.build().having("built") == set(), "what is published was made from this very template"


def test_a_model_that_fails_before_it_was_ever_built(shop: Workshop) -> None:
    shop.replace("my_stack/marts/fct_day.sql", "count(*)", "sum(CAST('x' || city AS INTEGER))")
    ended = shop.build(exit_code=1)
    assert ended.unusual == {"fct_day": "failed"}
    assert "marts.fct_day" not in shop.relations()
    shop.replace("my_stack/marts/fct_day.sql", "sum(CAST('x' || city AS INTEGER))", "count(*)")
    assert shop.build().having("built") == {"fct_day"}


def test_a_failing_diamond_is_skipped_once(shop: Workshop) -> None:
    for name, parents in {"a": ["stg_orders"], "b": ["a"], "c": ["a"], "d": ["b", "c", "fct_day"]}.items():
        broken = ", CAST('x' || city AS INTEGER) AS bad" if name == "a" else ""
        reads = " UNION ALL ".join(f"SELECT day{broken} FROM {{{{ ref('{parent}') }}}}" for parent in parents)
        shop.write(f"my_stack/marts/{name}.sql", f"{{{{ config(materialized='table') }}}}\n{reads}\n")
    ended = shop.build(exit_code=1)
    assert ended.unusual == {"a": "failed", "b": "skipped", "c": "skipped", "d": "skipped"}
    assert ended.statuses["fct_day"] == "built"


def test_a_template_error_touches_nothing(built: Workshop) -> None:
    before, runs = built.content(), built.query("SELECT count(*) FROM measure_state.runs")
    built.replace("my_stack/marts/fct_day.sql", "ref('stg_orders')", "ref('stg_order')")
    ended = built.measure("build")
    assert ended.exit_code == 2
    assert 'Did you mean "stg_orders"?' in ended.stderr
    assert "fct_day.sql:2" in ended.stderr
    assert built.content() == before
    assert built.query("SELECT count(*) FROM measure_state.runs") == runs


def test_two_builds_at_once_are_refused(built: Workshop) -> None:
    import duckdb

    with duckdb.connect(str(built.database)):
        ended = built.run("build", "--full")
    assert ended.exit_code == 3
    assert "another process" in ended.stderr
    assert built.build("--full").having("built") == EVERYTHING
