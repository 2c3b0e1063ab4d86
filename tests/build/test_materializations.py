"""How relations stand in the target: tables, views, incremental and ephemeral models, registries, sources."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.build.workshop import ABSENT, EVERYTHING, Workshop, open_workshop


def test_every_relation_stands_in_the_schema_of_its_layer(built: Workshop) -> None:
    assert built.relations() == {
        "sources.orders": "table",
        "registries.cities": "table",
        "staging.stg_orders": "table",
        "staging.stg_orders_rejects": "table",
        "intermediate.int_located": "view",
        "marts.fct_region": "table",
        "marts.fct_share": "table",
        "marts.fct_day": "table",
        "marts.fct_large": "table",
        "marts.fct_monthly": "table",
        "marts.fct_recent": "table",
    }


def test_content_of_every_kind_of_model(built: Workshop) -> None:
    content = built.content()
    assert content["marts.fct_region"] == [
        ("middle", 1, 6.5625, "plain"),
        ("north", 3, 101.25, "plain"),
        ("south", 2, 138.125, "plain"),
    ]
    assert [row[0] for row in content["intermediate.int_located"]] == [1, 2, 3, 4, 5, 6]
    assert content["marts.fct_large"] == [(2, Decimal(160))]
    assert [row[0] for row in content["marts.fct_monthly"]] == [1, 2, 3, 4, 5, 6]
    assert content["marts.fct_recent"] == [(3,)]
    assert content["registries.cities"] == [("Bonn", "middle"), ("Oslo", "north"), ("Rome", "south")]


def test_a_source_has_its_declared_types_and_says_what_it_could_not_read(built: Workshop) -> None:
    types = built.query("SELECT column_name, column_type FROM (DESCRIBE sources.orders)")
    assert types == [
        ("id", "BIGINT"),
        ("day", "DATE"),
        ("city", "VARCHAR"),
        ("amount", "DECIMAL(18,6)"),
        ("_unreadable", "VARCHAR"),
    ]
    unreadable = built.query(
        "SELECT id, day, _unreadable FROM sources.orders WHERE _unreadable IS NOT NULL ORDER BY id"
    )
    assert unreadable == [(8, None, "day: '2024-02-30'"), (None, date(2024, 3, 30), "id: 'seven'")]


def test_accepted_and_rejected_rows_are_together_the_rows_read(built: Workshop) -> None:
    lines = len(built.read("data/orders.csv").strip().splitlines()) - 1
    accepted, rejected, read = (
        built.query(f"SELECT count(*) FROM {name}")[0][0]
        for name in ("staging.stg_orders", "staging.stg_orders_rejects", "sources.orders")
    )
    assert (accepted, rejected, read) == (6, 2, 8)
    assert read == lines


def test_json_counts_the_rows_of_tables_and_leaves_views_uncounted(shop: Workshop) -> None:
    rows = {model["name"]: model["rows"] for model in shop.build().json["models"]}
    assert rows["stg_orders"] == 6
    assert rows["source.orders"] == 8
    assert rows["cities"] == 3
    assert rows["int_located"] is None


def test_ephemeral_models_leave_nothing_in_the_target_and_are_no_part_of_the_result(built: Workshop) -> None:
    assert not any("eph_large" in name for name in built.relations())
    assert "eph_large" not in built.build("--full").statuses


def test_ephemeral_models_nest(shop: Workshop) -> None:
    shop.write(
        "my_stack/intermediate/eph_larger.sql",
        "{{ config(materialized='ephemeral') }}\nSELECT id, amount FROM {{ ref('eph_large') }} WHERE amount > 80\n",
    )
    shop.replace("my_stack/marts/fct_large.sql", "eph_large", "eph_larger")
    shop.build()
    assert shop.query("SELECT * FROM marts.fct_large") == [(1, Decimal(90))]


def test_an_incremental_model_is_built_whole(built: Workshop) -> None:
    before = built.query("SELECT * FROM marts.fct_monthly ORDER BY ALL")
    assert built.build("fct_monthly", "--full").statuses["fct_monthly"] == "built"
    assert built.query("SELECT * FROM marts.fct_monthly ORDER BY ALL") == before
    assert len(before) == built.query("SELECT count(*) FROM staging.stg_orders")[0][0]


def test_order_by_decides_the_order_in_which_rows_are_stored(tmp_path: Path) -> None:
    days = [f"{n},2024-01-{1 + (n * 7) % 28:02d},Oslo,{(n * 7919) % 10_007}.00" for n in range(12_000)]
    shop = open_workshop(tmp_path, {"data/orders.csv": "id,day,city,amount\n" + "\n".join(days) + "\n"})
    shop.write(
        "my_stack/marts/fct_sorted.sql",
        """\
        {{ config(materialized='table', order_by=['amount', 'id']) }}
        SELECT big.id * 20 + small.id AS id, big.amount
        FROM {{ ref('stg_orders') }} AS big
        CROSS JOIN (SELECT id FROM {{ ref('stg_orders') }} WHERE id < 20) AS small
        """,
    )
    shop.build("+fct_sorted")
    stored = shop.query("SELECT amount, id FROM marts.fct_sorted ORDER BY rowid")
    assert len(stored) == 240_000
    assert stored == sorted(stored)


def test_descriptions_become_comments(built: Workshop) -> None:
    tables = built.query("SELECT table_name, comment FROM duckdb_tables() WHERE comment IS NOT NULL ORDER BY ALL")
    assert ("fct_day", "Orders per day.") in tables
    assert ("cities", "Regions of cities.") in tables


def test_the_description_of_a_view_becomes_its_comment(shop: Workshop) -> None:
    shop.write(
        "my_stack/intermediate/schema.yml",
        "models:\n  - name: int_located\n    description: Orders with their region.\n",
    )
    shop.build()
    found = shop.query("SELECT comment FROM duckdb_views() WHERE view_name = 'int_located'")
    assert found == [("Orders with their region.",)]


def test_hooks_run_before_and_after_the_model(shop: Workshop) -> None:
    shop.write(
        "my_stack/marts/fct_hooked.sql",
        """\
        {{ config(materialized='table',
                  pre_hook='CREATE SEQUENCE IF NOT EXISTS marts.counter',
                  post_hook=["CREATE TABLE IF NOT EXISTS marts.log(moment BIGINT)",
                             "INSERT INTO marts.log SELECT nextval('marts.counter')"]) }}
        SELECT count(*) AS n_orders FROM {{ ref('stg_orders') }}
        """,
    )
    shop.build()
    assert shop.query("SELECT * FROM marts.log") == [(1,)]
    shop.build("fct_hooked", "--full")
    assert shop.query("SELECT * FROM marts.log ORDER BY ALL") == [(1,), (2,)]


def test_a_failing_hook_fails_the_model_alone(shop: Workshop) -> None:
    shop.replace("my_stack/marts/fct_day.sql", "order_by=", "post_hook='SELECT * FROM nowhere', order_by=")
    ended = shop.build(exit_code=1)
    assert ended.having("failed") == {"fct_day"}
    assert "nowhere" in (ended.reasons["fct_day"] or "")
    assert shop.leftovers() == []


def test_a_hook_may_name_the_relation_it_belongs_to(shop: Workshop) -> None:
    shop.write(
        "my_stack/marts/fct_hooked.sql",
        """\
        {{ config(materialized='table', post_hook='INSERT INTO ' ~ this ~ ' SELECT -1') }}
        SELECT id FROM {{ ref('stg_orders') }}
        """,
    )
    shop.build()
    assert shop.query("SELECT min(id), count(*) FROM marts.fct_hooked") == [(-1, 7)]


def test_a_hook_may_make_an_index(shop: Workshop) -> None:
    shop.write(
        "my_stack/marts/fct_hooked.sql",
        """\
        {{ config(materialized='table', post_hook='CREATE INDEX by_id ON ' ~ this ~ ' (id)') }}
        SELECT id FROM {{ ref('stg_orders') }}
        """,
    )
    shop.build()
    shop.build("--full")
    assert shop.query("SELECT table_name FROM duckdb_indexes()") == [("fct_hooked",)]


@pytest.mark.parametrize("kinds", [("view", "table", "view"), ("table", "view", "table")])
def test_a_relation_may_turn_from_view_to_table_and_back(shop: Workshop, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        shop.write(
            "my_stack/marts/fct_turning.sql",
            f"{{{{ config(materialized='{kind}') }}}}\nSELECT city FROM {{{{ ref('stg_orders') }}}}\n",
        )
        assert shop.build().statuses["fct_turning"] == "built"
        assert shop.relations()["marts.fct_turning"] == kind
        assert len(shop.query("SELECT * FROM marts.fct_turning")) == 6
    assert shop.build().statuses["fct_turning"] == "unchanged"


def test_a_model_with_an_absent_optional_source_is_left_out_with_a_notice(shop: Workshop) -> None:
    ended = shop.measure("build")
    assert ended.exit_code == 0
    assert "refunds" in ended.stderr
    assert shop.build().having("absent") == ABSENT
    assert not any("refunds" in name for name in shop.relations())
    shop.write("data/refunds.csv", "id\n1\n4\n")
    shop.append("measure.toml", '\n[sources.refunds]\npath = "data/refunds.csv"\n')
    assert shop.build().having("built") == ABSENT
    assert shop.query("SELECT * FROM marts.fct_refunds") == [(2,)]


def test_a_selection_of_nothing_but_absent_models_matches_nothing(shop: Workshop) -> None:
    ended = shop.measure("build", "fct_refunds")
    assert ended.exit_code == 4
    assert "refunds" in ended.stderr
    assert not shop.database.exists()


def test_parquet_json_and_csv_are_read_alike(tmp_path: Path) -> None:
    contents = []
    for ending in ("csv", "parquet", "jsonl"):
        shop = open_workshop(tmp_path / ending)
        if ending != "csv":
            source, target = shop.folder / "data/orders.csv", shop.folder / f"data/orders.{ending}"
            kind = "PARQUET" if ending == "parquet" else "JSON"
            duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}', all_varchar = true)) TO '{target}' (FORMAT {kind})")
            shop.replace("measure.toml", "data/orders.csv", f"data/orders.{ending}")
        assert shop.build().having("built") == EVERYTHING
        contents.append(shop.content(leave_out=["sources.orders"]))
    assert contents[0] == contents[1] == contents[2]


def test_a_table_of_the_target_is_a_source(shop: Workshop) -> None:
    shop.database.parent.mkdir()
    shop.execute(
        "CREATE SCHEMA raw; CREATE TABLE raw.sold AS SELECT 1::BIGINT AS nr, DATE '2024-01-05' AS day, 'Oslo' AS city, "
        "10::DECIMAL(18,6) AS amount UNION ALL SELECT 2, DATE '2024-01-06', 'Rome', 20"
    )
    shop.replace("measure.toml", 'path = "data/orders.csv"', 'table = "raw.sold"\ncolumns = { id = "nr" }')
    assert shop.build().having("built") == EVERYTHING
    assert shop.relations()["sources.orders"] == "view"
    assert [row[0] for row in shop.query("SELECT id FROM staging.stg_orders ORDER BY id")] == [1, 2]


def test_a_table_of_the_target_may_have_any_name(shop: Workshop) -> None:
    shop.database.parent.mkdir()
    shop.execute(
        'CREATE TABLE main."Sold Things" AS '
        "SELECT 1::BIGINT AS id, DATE '2024-01-05' AS day, 'Oslo' AS city, 1.0 AS amount"
    )
    shop.replace("measure.toml", 'path = "data/orders.csv"', 'table = "main.Sold Things"')
    shop.build()
    assert shop.query("SELECT id FROM staging.stg_orders") == [(1,)]


def test_times_are_utc_wherever_the_machine_stands(tmp_path: Path) -> None:
    shop = open_workshop(tmp_path)
    row = "SELECT 1::BIGINT AS id, TIMESTAMPTZ '2024-01-05 23:30:00+00' AS day, 'Oslo' AS city, 1.0::DOUBLE AS amount"
    duckdb.sql(f"COPY ({row}) TO '{shop.folder}/data/orders.parquet' (FORMAT PARQUET)")
    shop.replace("measure.toml", "data/orders.csv", "data/orders.parquet")
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        assert shop.run("build", "stg_orders", "--full", env={"TZ": zone}).exit_code == 0
        assert shop.query("SELECT day FROM staging.stg_orders") == [(date(2024, 1, 5),)], zone
