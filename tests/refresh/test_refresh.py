"""`measure refresh` on a small project: what it rebuilds, what it leaves alone, how it goes on after trouble."""

from __future__ import annotations

import json
import signal
from datetime import datetime
from pathlib import Path

import pytest

from tests.refresh.visits import BUSIEST, FILLING, Rows, VisitShop, batches_of, open_visits

VISITS = tuple(("ann", datetime(2024, month, 3), "mail") for month in range(1, 6))
ORDERS = tuple((month, "ann", datetime(2024, month, 9, 12), 100) for month in range(1, 7))
ROWS = Rows(VISITS, ORDERS)


@pytest.fixture
def shop(tmp_path: Path) -> VisitShop:
    return open_visits(tmp_path / "shop", ROWS)


@pytest.fixture
def refreshed(shop: VisitShop) -> VisitShop:
    shop.refresh()
    return shop


def same_as_one_build(shop: VisitShop, rows: Rows, folder: Path, *arguments: str) -> bool:
    fresh = open_visits(folder, rows)
    fresh.build(*arguments)
    return shop.everything() == fresh.everything()


def versions(shop: VisitShop) -> dict[str, str]:
    """Month of fct_touched -> the run that built it."""
    sql = (
        "SELECT strftime(batch_start, '%Y-%m'), run_id FROM measure_state.batches "
        "WHERE relation = 'fct_touched' AND batch_start IS NOT NULL"
    )
    return dict(shop.query(sql))


def rebuilt(shop: VisitShop, before: dict[str, str]) -> list[str]:
    return sorted(month for month, run in versions(shop).items() if before.get(month) != run)


def test_refresh_gives_what_a_build_gives(refreshed: VisitShop, tmp_path: Path) -> None:
    assert same_as_one_build(refreshed, ROWS, tmp_path / "fresh")
    assert refreshed.months("fct_touched") == [f"2024-0{month}" for month in range(1, 7)]


def test_nothing_changed_nothing_done(refreshed: VisitShop) -> None:
    again = refreshed.measure("refresh")
    assert again.exit_code == 0
    assert "nothing to do" in again.stderr


def test_a_refresh_after_a_build_only_does_what_changed(shop: VisitShop) -> None:
    shop.build()
    before = versions(shop)
    shop.give(Rows(VISITS, (*ORDERS, (7, "bob", datetime(2024, 6, 10), 5))))
    assert batches_of(shop.refresh()) == {"fct_touched": 1, "fct_daily": 1, "int_raw": 1}
    assert rebuilt(shop, before) == ["2024-06"]


def test_a_touch_is_seen_59_days_later(refreshed: VisitShop, tmp_path: Path) -> None:
    """late_rows_lost: 3 February is seen by the days up to 2 April, and by no other."""
    before = versions(refreshed)
    rows = Rows((*VISITS, ("ann", datetime(2024, 2, 3, 1), "search")), ORDERS)
    refreshed.give(rows)
    plan = refreshed.forecast()["fct_touched"]["batches"]
    assert [(batch["start"][:10], batch["end"][:10], batch["reason"]) for batch in plan] == [
        ("2024-02-03", "2024-03-01", "input changed"),
        ("2024-03-01", "2024-04-03", "looks back on a changed day"),
    ]
    refreshed.refresh()
    assert rebuilt(refreshed, before) == ["2024-02", "2024-03", "2024-04"]
    assert same_as_one_build(refreshed, rows, tmp_path / "fresh")


def test_days_that_stay_are_not_read_again(refreshed: VisitShop) -> None:
    """They are on record: a row that somebody else removed on one of them is not found missing."""
    refreshed.write("my_stack/marts/fct_busiest.sql", BUSIEST)
    refreshed.refresh()
    refreshed.execute("DELETE FROM marts.fct_touched WHERE id = 1")
    refreshed.give(Rows((*VISITS, ("ann", datetime(2024, 5, 3, 1), "search")), ORDERS))
    models = {model["name"]: model for model in refreshed.refresh().json["models"]}
    assert models["fct_busiest"]["batches"] == 2
    assert models["fct_touched"]["rows"] == len(ORDERS) - 1
    days = json.loads(refreshed.query("SELECT days FROM measure_state.days WHERE relation = 'fct_touched'")[0][0])
    assert {day: rows for day, (rows, _) in days.items()} == {f"2024-0{month}-09": 1 for month in range(1, 7)}


def test_corrected_and_deleted_rows(refreshed: VisitShop, tmp_path: Path) -> None:
    """stale_key_survives: an order that moves to another month is gone from its old one."""
    moved = tuple((key, who, datetime(2024, 5, 20) if key == 2 else at, cents) for key, who, at, cents in ORDERS)
    rows = Rows(VISITS[1:], moved[1:])
    refreshed.give(rows)
    refreshed.refresh()
    assert same_as_one_build(refreshed, rows, tmp_path / "fresh")
    assert refreshed.query("SELECT count(*) FROM marts.fct_touched WHERE id = 1") == [(0,)]


def test_registry_and_variable(refreshed: VisitShop, tmp_path: Path) -> None:
    refreshed.write("my_stack/registries/kinds.csv", "kind,weight\nmail,3\n")
    assert {batch["reason"] for batch in refreshed.forecast()["fct_touched"]["batches"]} == {"input changed"}
    refreshed.refresh()
    changed = refreshed.forecast("--var", "bonus=2")["fct_touched"]["batches"]
    assert {batch["reason"] for batch in changed} == {"SQL, macro or variable changed"}
    refreshed.refresh("--var", "bonus=2")
    fresh = open_visits(tmp_path / "fresh", ROWS)
    fresh.write("my_stack/registries/kinds.csv", "kind,weight\nmail,3\n")
    fresh.build("--var", "bonus=2")
    assert refreshed.everything() == fresh.everything()


def test_never_seeded(tmp_path: Path) -> None:
    """Built first on empty inputs: empty is not a watermark."""
    shop = open_visits(tmp_path / "shop")
    shop.refresh()
    assert shop.query("SELECT count(*) FROM marts.fct_touched") == [(0,)]
    shop.give(ROWS)
    shop.refresh()
    assert same_as_one_build(shop, ROWS, tmp_path / "fresh")
    shop.give(Rows())
    shop.refresh()
    assert same_as_one_build(shop, Rows(), tmp_path / "empty")


def test_late_start_is_told(shop: VisitShop, tmp_path: Path) -> None:
    """late_start: input before the start is counted and reported, and a build cuts it, too."""
    for project in (shop, fresh := open_visits(tmp_path / "fresh", ROWS)):
        project.replace("my_stack/marts/fct_daily.sql", "time_column='day',", "time_column='day', start='2024-03-10',")
        told = (project.measure("build") if project is fresh else project.measure("refresh")).stderr
        assert "fct_daily: 3 rows of int_touched before 2024-03-10 are not read" in told
    assert shop.query("SELECT min(day) FROM marts.fct_daily")[0][0].isoformat() == "2024-04-09"
    assert shop.everything() == fresh.everything()


def test_forced_months_are_built_again(refreshed: VisitShop) -> None:
    """overwrite_wipe: less than a month is asked for, the whole month is replaced and nothing else."""
    before = versions(refreshed)
    content = refreshed.everything()
    refreshed.refresh("--start", "2024-03-05", "--end", "2024-03-06")
    assert rebuilt(refreshed, before) == ["2024-03"]
    assert refreshed.everything() == content
    assert batches_of(refreshed.refresh("--full", "--batch-months", "2"))["fct_touched"] == 3
    assert refreshed.everything() == content


def test_an_empty_interval_is_refused(shop: VisitShop) -> None:
    ended = shop.refresh("--start", "2024-03-05", "--end", "2024-03-05", exit_code=2)
    assert "the end must come after the start" in ended.stderr
    assert not shop.database.exists()


def test_as_of_moves_on(shop: VisitShop, tmp_path: Path) -> None:
    """frontier_frozen: a day enters once it is complete, and only its month is built for it."""
    shop.refresh("--as-of", "2024-05-09")
    assert shop.query("SELECT max(id) FROM marts.fct_touched") == [(4,)]
    before = versions(shop)
    shop.refresh("--as-of", "2024-05-10")
    assert rebuilt(shop, before) == ["2024-05"]
    assert same_as_one_build(shop, ROWS, tmp_path / "fresh", "--as-of", "2024-05-10")
    shop.refresh("--as-of", "2024-03-01")
    assert same_as_one_build(shop, ROWS, tmp_path / "back", "--as-of", "2024-03-01")


def test_a_killed_refresh_goes_on(refreshed: VisitShop, tmp_path: Path) -> None:
    """killed_midway: what was computed before the kill is not computed again."""
    rows = Rows((*VISITS, ("ann", datetime(2024, 1, 2), "search"), ("ann", datetime(2024, 3, 9), "search")), ORDERS)
    refreshed.give(rows)
    planned = len(refreshed.forecast()["fct_touched"]["batches"])
    assert refreshed.stricken(2, beginning=FILLING) == -signal.SIGKILL
    sql = "SELECT count(*) FROM measure_state.staged WHERE status = 'done' AND relation = 'fct_touched'"
    done = refreshed.query(sql)[0][0]
    assert done == 1
    assert "pending" in refreshed.measure("status", "--json").stdout
    assert batches_of(refreshed.refresh())["fct_touched"] == planned - done
    assert same_as_one_build(refreshed, rows, tmp_path / "fresh")
    assert refreshed.query("SELECT count(*) FROM measure_state.staged") == [(0,)]


def test_restart_forgets_what_was_computed(refreshed: VisitShop) -> None:
    refreshed.give(Rows((*VISITS, ("ann", datetime(2024, 1, 2), "search")), ORDERS))
    assert refreshed.stricken(2, beginning=FILLING) == -signal.SIGKILL
    expected = len(refreshed.forecast("--restart")["fct_touched"]["batches"])
    assert len(refreshed.forecast()["fct_touched"]["batches"]) < expected
    assert batches_of(refreshed.refresh("--restart"))["fct_touched"] == expected


def test_batches_of_other_rows_are_not_published(refreshed: VisitShop, tmp_path: Path) -> None:
    refreshed.give(Rows((*VISITS, ("ann", datetime(2024, 1, 2), "search")), ORDERS))
    assert refreshed.stricken(2, beginning=FILLING) == -signal.SIGKILL
    rows = Rows(VISITS, (*ORDERS, (9, "ann", datetime(2024, 1, 20), 1)))
    refreshed.give(rows)
    refreshed.refresh()
    assert same_as_one_build(refreshed, rows, tmp_path / "fresh")


def test_batches_that_are_not_wanted_any_more_are_not_published(refreshed: VisitShop, tmp_path: Path) -> None:
    """January was computed before the kill; then its change is taken back, and only March and May are replaced."""
    raised = [(key, who, at, 900 if key in (1, 3, 5) else cents) for key, who, at, cents in ORDERS]
    refreshed.give(Rows(VISITS, tuple(raised)))
    filling = 'INSERT INTO "marts"."fct_daily__batches"'
    assert refreshed.stricken(3, beginning=filling) == -signal.SIGKILL
    rows = Rows(VISITS, (ORDERS[0], *raised[1:]))
    refreshed.give(rows)
    assert batches_of(refreshed.refresh())["fct_daily"] == 1
    assert same_as_one_build(refreshed, rows, tmp_path / "fresh")


def test_a_failed_audit_keeps_the_old_version_and_the_batches(refreshed: VisitShop, tmp_path: Path) -> None:
    before = refreshed.content()["marts.fct_touched"]
    refreshed.give(Rows(VISITS, (*ORDERS, (6, "bob", datetime(2024, 6, 10), 1))))
    ended = refreshed.refresh(exit_code=1)
    assert ended.statuses["fct_touched"] == "failed"
    assert ended.statuses["fct_total"] == "skipped"
    assert refreshed.content(["marts.fct_touched__batches"])["marts.fct_touched"] == before
    rows = Rows(VISITS, (*ORDERS, (7, "bob", datetime(2024, 6, 10), 1)))
    refreshed.give(rows)
    refreshed.refresh()
    assert same_as_one_build(refreshed, rows, tmp_path / "fresh")


def test_a_failed_batch_stops_its_branch_only(refreshed: VisitShop) -> None:
    refreshed.replace(
        "my_stack/marts/fct_touched.sql", "orders.amount,\n", "CAST(sqrt(200 - orders.amount) AS BIGINT) AS amount,\n"
    )
    refreshed.give(Rows(VISITS, (*ORDERS, (7, "ann", datetime(2024, 3, 10), 900))))
    ended = refreshed.measure("refresh")
    assert ended.exit_code == 1
    assert "go on with: measure" in ended.stderr
    status = refreshed.measure("status", "--json").json["batches"]
    assert next(one for one in status if one["relation"] == "fct_touched")["failed"] == 1
    assert refreshed.query("SELECT count(*) FROM staging.stg_orders") == [(7,)]
    reasons = [batch["reason"] for batch in refreshed.forecast()["fct_touched"]["batches"]]
    assert "failed before" in reasons


def test_dry_run_touches_nothing_and_tells_what_is_done(refreshed: VisitShop) -> None:
    refreshed.give(
        Rows((*VISITS, ("ann", datetime(2024, 2, 3), "search")), (*ORDERS, (7, "ann", datetime(2024, 6, 1), 2)))
    )
    files = [refreshed.database, refreshed.database.with_name("shop.internal.duckdb")]
    before = [file.read_bytes() for file in files]
    plan = refreshed.forecast()
    assert [file.read_bytes() for file in files] == before
    done = refreshed.refresh()
    assert {name for name, status in done.statuses.items() if status == "built"} == set(plan)
    sure = {
        name: sum(batch["reason"] != "may change with its input" for batch in model["batches"])
        for name, model in plan.items()
        if model["build"] == "batches"
    }
    assert batches_of(done) == {"fct_touched": sure["fct_touched"], "int_raw": sure["int_raw"], "fct_daily": 3}
    assert sure["fct_daily"] == 0
    assert len(plan["fct_daily"]["batches"]) == 4


def test_dry_run_of_a_target_that_is_not_there(shop: VisitShop) -> None:
    plan = shop.forecast()
    assert not shop.database.exists()
    assert batches_of(shop.refresh()) == {
        name: len(plan[name]["batches"]) for name in ("fct_touched", "fct_daily", "int_raw")
    }


def test_a_change_of_columns_rebuilds_the_table(refreshed: VisitShop) -> None:
    refreshed.replace(
        "my_stack/marts/fct_daily.sql", "count(*) AS n_orders,", "count(*) AS n_orders, max(id) AS last_id,"
    )
    refreshed.refresh()
    assert refreshed.query("SELECT count(*) FROM marts.fct_daily WHERE last_id IS NULL") == [(0,)]


def test_a_view_becomes_incremental(refreshed: VisitShop) -> None:
    refreshed.replace("my_stack/marts/int_touched.sql", "materialized='view'", "materialized='incremental'")
    refreshed.refresh()
    assert refreshed.relations()["marts.int_touched"] == "table"
    refreshed.replace("my_stack/marts/int_touched.sql", "materialized='incremental'", "materialized='view'")
    refreshed.refresh()
    assert refreshed.relations()["marts.int_touched"] == "view"


def test_columns_have_to_agree(shop: VisitShop) -> None:
    shop.replace(
        "my_stack/marts/fct_daily.sql",
        "count(*) AS n_orders",
        "{{ '1' if is_incremental() else 'count(*)' }} AS n_orders",
    )
    ended = shop.refresh(exit_code=2)
    assert "my_stack/marts/fct_daily.sql: found n_orders INTEGER where is_incremental() is true" in ended.stderr


def test_batch_bounds_stand_in_no_other_model(shop: VisitShop) -> None:
    """table_truncated_by_batch: only incremental models see batches."""
    shop.replace(
        "my_stack/marts/fct_total.sql", "FROM", ", CAST({{ 1 if is_incremental() else 0 }} AS BIGINT) AS batched FROM"
    )
    shop.refresh()
    assert shop.query("SELECT batched FROM marts.fct_total") == [(0,)]


def test_sql_of_one_month(shop: VisitShop) -> None:
    text = shop.measure("sql", "fct_touched", "--batch", "2024-03").stdout
    assert "'2024-03-01 00:00:00'" in text
    assert "$batch" not in text
    shop.refresh()
    before = shop.content()
    shop.execute(text.replace("getvariable('pii_ipad')", "''").replace("getvariable('pii_opad')", "''"))
    assert len(shop.content()["marts.fct_touched"]) == len(before["marts.fct_touched"])


def test_inputs_that_did_not_change_are_not_scanned_again(refreshed: VisitShop) -> None:
    sql = "SELECT relation, seen_at FROM measure_state.days WHERE relation IN ('stg_visits', 'int_orders')"
    before = dict(refreshed.query(sql))
    lines = refreshed.read("data/orders.csv").splitlines(keepends=True)
    refreshed.write("data/orders.csv", "".join(lines[:-1]))
    refreshed.refresh()
    after = dict(refreshed.query(sql))
    assert after["stg_visits"] == before["stg_visits"]
    assert after["int_orders"] > before["int_orders"]


def test_a_batch_must_not_carry_an_identifier(shop: VisitShop) -> None:
    """address_in_public_table: the SELECT of a batch is judged as that of the whole."""
    shop.write(
        "my_stack/marts/fct_leak.sql",
        """\
        {{ config(materialized='incremental', time_column='ordered_at') }}
        SELECT id, ordered_at, {{ 'visitor' if is_incremental() else 'pseudonymize(visitor)' }} AS who
        FROM {{ ref('int_named_orders') }}
        """,
    )
    assert "its column who carries an identifier" in shop.refresh(exit_code=2).stderr
