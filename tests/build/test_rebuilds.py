"""A build does what has to be done and nothing else: which change makes which relations stale."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.workshop import ABSENT, BELOW_STG_ORDERS, EVERYTHING, Workshop, open_workshop

REGION = {"fct_region", "fct_share"}


def test_the_second_build_has_nothing_to_do(built: Workshop) -> None:
    before = built.content()
    ended = built.build()
    assert ended.having("unchanged") == EVERYTHING
    assert ended.having("absent") == ABSENT
    assert ended.json["status"] == "success"
    assert built.content() == before


def test_unchanged_relations_keep_their_rows_in_the_report(built: Workshop) -> None:
    rows = {model["name"]: model["rows"] for model in built.build().json["models"]}
    assert rows["stg_orders"] == 6


def test_what_a_build_leaves_alone_is_not_rewritten(built: Workshop) -> None:
    """Stored rows carry a mark that only a rebuild removes."""
    built.execute("INSERT INTO marts.fct_large VALUES (-1, -1)")
    built.replace("my_stack/macros/tax.sql", "1.25", "1.5")
    built.build()
    assert built.query("SELECT count(*) FROM marts.fct_large WHERE n_large = -1") == [(1,)]
    built.build("--full")
    assert built.query("SELECT count(*) FROM marts.fct_large WHERE n_large = -1") == [(0,)]


def change_variable(shop: Workshop) -> None:
    shop.append("measure.toml", "\n[vars]\nminimum = 5\n")


def change_label(shop: Workshop) -> None:
    shop.append("measure.toml", '\n[vars]\nlabel = "other"\n')


def change_macro(shop: Workshop) -> None:
    shop.replace("my_stack/macros/tax.sql", "1.25", "1.5")


def add_macro(shop: Workshop) -> None:
    shop.append("my_stack/macros/tax.sql", "{% macro unused() %}1{% endmacro %}\n")


def change_template(shop: Workshop) -> None:
    shop.replace("my_stack/marts/fct_day.sql", "count(*)", "count(id)")


def change_ephemeral(shop: Workshop) -> None:
    shop.replace("my_stack/intermediate/eph_large.sql", "> 50", "> 80")


def change_view(shop: Workshop) -> None:
    shop.replace("my_stack/intermediate/int_located.sql", "INNER", "LEFT")


def change_registry(shop: Workshop) -> None:
    shop.replace("my_stack/registries/cities.csv", "Bonn,middle", "Bonn,north")


def respell_registry(shop: Workshop) -> None:
    """The same rows in another spelling are the same registry."""
    shop.replace("my_stack/registries/cities.csv", "Bonn,middle", '"Bonn", middle ')


def override_registry(shop: Workshop) -> None:
    shop.write("registries/cities.csv", "city,region\nOslo,all\nRome,all\nBonn,all\n")


def change_input(shop: Workshop) -> None:
    shop.append("data/orders.csv", "9,2024-03-02,Rome,2.00\n")


def filter_input(shop: Workshop) -> None:
    shop.append("measure.toml", "where = \"city <> 'Bonn'\"\n")


def change_order(shop: Workshop) -> None:
    shop.replace("my_stack/marts/fct_day.sql", "['day']", "['amount']")


def add_hook(shop: Workshop) -> None:
    shop.replace("my_stack/marts/fct_day.sql", "order_by", "post_hook='SELECT 1', order_by")


def change_as_of(shop: Workshop) -> None:
    shop.replace("measure.toml", "2024-04-01", "2024-04-02")


def add_audit(shop: Workshop) -> None:
    shop.append(
        "my_stack/marts/schema.yml", "  - name: fct_large\n    data_tests:\n      - row_count_between: {max_value: 1}\n"
    )


def change_audit_argument(shop: Workshop) -> None:
    shop.replace("my_stack/marts/schema.yml", "min_value: 0", "min_value: 1")


def change_audit_severity(shop: Workshop) -> None:
    shop.replace("my_stack/marts/schema.yml", "min_value: 0", "min_value: 0, severity: warn")


def change_audit_threshold(shop: Workshop) -> None:
    shop.replace("my_stack/marts/schema.yml", "min_value: 0", "min_value: 0, error_if: '> 3'")


def change_audit_limit(shop: Workshop) -> None:
    shop.replace("my_stack/marts/schema.yml", "min_value: 0", "min_value: 0, limit: 7")


def store_audit_failures(shop: Workshop) -> None:
    shop.replace("my_stack/marts/schema.yml", "min_value: 0", "min_value: 0, store_failures: true")


def add_singular_audit(shop: Workshop) -> None:
    shop.write(
        "my_stack/audits/days_add_up.sql",
        "SELECT * FROM {{ ref('fct_day') }} AS d WHERE d.amount > (SELECT sum(amount) FROM {{ ref('stg_orders') }})\n",
    )


CHANGES: list[tuple[Callable[[Workshop], None], set[str]]] = [
    (change_variable, {"stg_orders"} | BELOW_STG_ORDERS),
    (change_label, REGION),
    (change_macro, REGION),
    (add_macro, set()),
    (change_template, {"fct_day"}),
    (change_ephemeral, {"fct_large"}),
    (change_view, {"int_located", "fct_region"}),
    (change_registry, {"cities", "int_located"} | REGION),
    (respell_registry, set()),
    (override_registry, {"cities", "int_located"} | REGION),
    (change_input, EVERYTHING - {"cities"}),
    (filter_input, EVERYTHING - {"cities"}),
    (change_order, {"fct_day"}),
    (add_hook, {"fct_day"}),
    (change_as_of, {"fct_recent", "fct_monthly"}),
    (add_audit, {"fct_large"}),
    (change_audit_argument, {"fct_region"}),
    (change_audit_severity, {"fct_region"}),
    (change_audit_threshold, {"fct_region"}),
    (change_audit_limit, {"fct_region"}),
    (store_audit_failures, {"fct_region"}),
    (add_singular_audit, {"fct_day"}),
]


@pytest.mark.parametrize(("change", "stale"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_a_change_rebuilds_exactly_what_it_affects(
    built: Workshop, change: Callable[[Workshop], None], stale: set[str]
) -> None:
    change(built)
    ended = built.build()
    assert ended.having("built") == stale
    assert ended.having("unchanged") == EVERYTHING - stale
    assert built.build().having("built") == set()


def test_many_changes_one_after_the_other_give_what_one_build_gives(built: Workshop, tmp_path: Path) -> None:
    changes = (
        change_template,
        change_registry,
        change_ephemeral,
        change_input,
        change_macro,
        change_view,
        filter_input,
    )
    fresh = open_workshop(tmp_path / "fresh")
    for change in (*changes, change_variable):
        change(built)
        built.build()
        change(fresh)
    fresh.build()
    assert built.content() == fresh.content()


def test_command_line_variables_count_like_those_of_the_file(built: Workshop) -> None:
    assert built.build("--var", "label=x").having("built") == REGION
    assert built.query("SELECT DISTINCT label FROM marts.fct_region") == [("x",)]
    assert built.build("--var", "label=x").having("built") == set()
    assert built.build().having("built") == REGION
    assert built.build("--as-of", "2024-02-01").having("built") == {"fct_recent", "fct_monthly"}
    assert built.query("SELECT count(*) FROM marts.fct_monthly") == [(2,)]


def test_a_new_model_is_built_alone(built: Workshop) -> None:
    built.write("my_stack/marts/fct_new.sql", "SELECT count(*) AS n FROM {{ ref('fct_day') }}\n")
    assert built.build().having("built") == {"fct_new"}


def test_a_dropped_relation_is_rebuilt_and_its_dependants_need_not_be(built: Workshop) -> None:
    before = built.content()
    built.execute("DROP TABLE marts.fct_region")
    assert built.build().having("built") == {"fct_region"}
    assert built.content() == before


def test_dropped_views_sources_and_registries_come_back(built: Workshop) -> None:
    before = built.content()
    built.execute("DROP VIEW intermediate.int_located; DROP TABLE registries.cities; DROP TABLE sources.orders")
    assert built.build().having("built") == {"int_located", "cities", "source.orders"}
    assert built.content() == before


def test_a_lost_target_is_built_anew(built: Workshop) -> None:
    before = built.content()
    built.database.unlink()
    assert built.build().having("built") == EVERYTHING
    assert built.content() == before


def test_full_rebuilds_the_selection_only(built: Workshop) -> None:
    assert built.build("--full").having("built") == EVERYTHING
    assert built.build("fct_region", "--full").having("built") == {"fct_region"}


def test_a_touched_input_is_read_again(built: Workshop) -> None:
    os.utime(built.folder / "data/orders.csv")
    assert "source.orders" in built.build().having("built")


def test_a_file_that_joins_a_glob_is_read(shop: Workshop) -> None:
    shop.replace("measure.toml", "data/orders.csv", "data/orders*.csv")
    shop.build()
    shop.write("data/orders_april.csv", "id,day,city,amount\n10,2024-03-05,Rome,4.00\n")
    assert "source.orders" in shop.build().having("built")
    assert shop.query("SELECT count(*) FROM staging.stg_orders") == [(7,)]
    shop.remove("data/orders_april.csv")
    assert "source.orders" in shop.build().having("built")
    assert shop.query("SELECT count(*) FROM staging.stg_orders") == [(6,)]


def sold(rows: str) -> str:
    return (
        "CREATE TABLE main.sold AS SELECT i::BIGINT AS id, DATE '2024-01-05' AS day, city, 10::DECIMAL(18,6) AS amount "
        f"FROM (VALUES {rows}) AS t(i, city)"
    )


def test_a_changed_table_of_the_target_is_read_again(shop: Workshop) -> None:
    shop.database.parent.mkdir()
    shop.execute(sold("(1, 'Oslo'), (2, 'Rome')"))
    shop.replace("measure.toml", 'path = "data/orders.csv"', 'table = "main.sold"')
    shop.build()
    assert shop.build().having("built") == set()
    shop.execute("UPDATE main.sold SET city = 'Bonn' WHERE id = 2")
    assert "source.orders" in shop.build().having("built")
    assert shop.query("SELECT city FROM staging.stg_orders ORDER BY id") == [("Oslo",), ("Bonn",)]


def test_a_change_of_equal_rows_of_a_table_is_noticed(shop: Workshop) -> None:
    """Two equal rows become two other equal rows: a hash that cancels pairs would not see it."""
    shop.database.parent.mkdir()
    shop.execute(sold("(1, 'Oslo'), (1, 'Oslo')"))
    shop.replace("measure.toml", 'path = "data/orders.csv"', 'table = "main.sold"')
    shop.build()
    shop.execute("UPDATE main.sold SET city = 'Rome'")
    shop.build()
    assert shop.query("SELECT DISTINCT city FROM staging.stg_orders") == [("Rome",)]


def test_a_lost_cache_changes_nothing(built: Workshop) -> None:
    (built.folder / ".measure/cache.json").write_text("{ not json", encoding="utf-8")
    assert built.build().having("unchanged") == EVERYTHING


def test_changed_selects_what_a_build_would_rebuild(built: Workshop) -> None:
    change_macro(built)
    assert built.build("changed").having("built") == REGION


def test_list_knows_what_changed(built: Workshop) -> None:
    change_macro(built)
    ended = built.measure("list", "changed", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert {relation["name"] for relation in ended.json} == REGION
