"""Batches that lost, doubled or mixed rows."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.incidents.conftest import ROWS
from tests.refresh.visits import Rows, VisitShop, batches_of, open_visits

MARCH, APRIL = datetime(2024, 3, 1), datetime(2024, 4, 1)
BUILT_BY_HAND = "CREATE TABLE built AS SELECT * FROM orders"


def by_hand(orders: Rows, *statements: str) -> int:
    """What a team did with the orders, in SQL of its own; how many rows are left."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE orders (id BIGINT, visitor VARCHAR, ordered_at TIMESTAMP, amount BIGINT)")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", orders.orders)
        for statement in statements:
            try:
                connection.execute(statement)
            except duckdb.ConversionException:
                assert "CAST(visitor" in statement
        found = connection.execute("SELECT count(*) FROM built").fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture
def built_whole(tmp_path: Path) -> Callable[..., VisitShop]:
    """The same rows in a fresh folder, built at once."""

    def build(rows: Rows, *arguments: str) -> VisitShop:
        fresh = open_visits(tmp_path / "fresh", rows)
        fresh.build(*arguments)
        return fresh

    return build


def test_overwrite_wipe(shop: VisitShop) -> None:
    """A run over one day leaves the rest of the month alone."""
    assert (
        by_hand(
            ROWS,
            BUILT_BY_HAND,
            f"DELETE FROM built WHERE date_trunc('month', ordered_at) = '{MARCH}'",
            "INSERT INTO built SELECT * FROM orders WHERE CAST(ordered_at AS DATE) = '2024-03-09'",
        )
        == len(ROWS.orders) - 2
    )
    before = shop.everything()
    ended = shop.refresh("--start", "2024-03-09", "--end", "2024-03-10")
    assert batches_of(ended)["fct_touched"] == 1
    assert shop.everything() == before


def test_table_truncated_by_batch(shop: VisitShop) -> None:
    """A table that mentions the bounds of a batch is made once, of all rows."""
    created = f"CREATE OR REPLACE TABLE built AS SELECT * FROM orders WHERE ordered_at >= '{APRIL}'"
    assert by_hand(ROWS, BUILT_BY_HAND, created) < len(ROWS.orders)
    shop.write(
        "my_stack/marts/fct_bounded.sql",
        "{{ config(materialized='table') }}\nSELECT id FROM {{ ref('int_orders') }} "
        "WHERE ordered_at >= {{ batch.start }} AND ordered_at < {{ batch.end }}\n",
    )
    shop.refresh("--full")
    assert shop.query("SELECT count(*) FROM marts.fct_bounded") == [(len(ROWS.orders),)]
    assert len(shop.months("fct_touched")) > 1


def test_append_doubled(shop: VisitShop) -> None:
    """A batch can be run again and again."""
    again = f"INSERT INTO built SELECT * FROM orders WHERE ordered_at >= '{MARCH}'"
    assert by_hand(ROWS, BUILT_BY_HAND, again) > len(ROWS.orders)
    before = shop.everything()
    for _ in range(2):
        assert batches_of(shop.refresh("--start", "2024-03-01"))["fct_touched"] >= 3
        assert shop.everything() == before


def test_delete_without_insert(shop: VisitShop) -> None:
    """The rows of March stay until there are new ones."""
    failing = "INSERT INTO built SELECT CAST(visitor AS BIGINT), visitor, ordered_at, amount FROM orders"
    emptied = by_hand(ROWS, BUILT_BY_HAND, f"DELETE FROM built WHERE ordered_at >= '{MARCH}'", failing)
    assert emptied < len(ROWS.orders)
    before = shop.query("SELECT * FROM marts.fct_touched ORDER BY ALL")
    changed = shop.read("my_stack/marts/fct_touched.sql")
    shop.replace(
        "my_stack/marts/fct_touched.sql",
        "orders.id, orders.ordered_at, orders.amount,\n",
        "orders.id, orders.ordered_at, "
        "CAST(CASE WHEN orders.id = 31 THEN 'none' ELSE CAST(orders.amount AS VARCHAR) END AS BIGINT) AS amount,\n",
    )
    ended = shop.refresh(exit_code=1)
    assert "fct_touched" in ended.having("failed")
    assert shop.query("SELECT * FROM marts.fct_touched ORDER BY ALL") == before
    shop.write("my_stack/marts/fct_touched.sql", changed)
    shop.refresh()
    assert shop.query("SELECT * FROM marts.fct_touched ORDER BY ALL") == before


@pytest.mark.parametrize("statement", [60, 100, 140])
def test_killed_midway(tmp_path: Path, built_whole: Callable[..., VisitShop], statement: int) -> None:
    """What a killed run left is neither missing nor there twice."""
    half = f"INSERT INTO built SELECT * FROM orders WHERE ordered_at < '{MARCH}'"
    retried = by_hand(ROWS, "CREATE TABLE built AS SELECT * FROM orders LIMIT 0", half, "INSERT INTO built FROM orders")
    assert retried > len(ROWS.orders)
    shop = open_visits(tmp_path / "killed", ROWS)
    assert shop.stricken(statement) == -signal.SIGKILL
    shop.refresh()
    assert shop.everything() == built_whole(ROWS).everything()


def test_state_collision(tmp_path: Path, built_whole: Callable[..., VisitShop]) -> None:
    """What is left of a run with one setting is no part of a run with another."""
    progress = ["CREATE TABLE built AS SELECT id, 1 AS bonus FROM orders WHERE ordered_at < '2024-03-01'",
                "INSERT INTO built SELECT id, 2 FROM orders WHERE ordered_at >= '2024-03-01'",
                "DELETE FROM built WHERE bonus = 2"]  # fmt: skip
    assert 0 < by_hand(ROWS, *progress) < len(ROWS.orders), "a mixture of both settings"
    shop = open_visits(tmp_path / "collided", ROWS)
    assert shop.stricken(130, "--var", "bonus=1") == -signal.SIGKILL
    assert shop.query("SELECT count(*) > 0 FROM measure_state.staged") == [(True,)], "batches wait to be resumed"
    shop.refresh("--var", "bonus=2")
    assert shop.everything() == built_whole(ROWS, "--var", "bonus=2").everything()


def test_late_rows_lost(shop: VisitShop, built_whole: Callable[..., VisitShop]) -> None:
    """A visit that arrives four months late changes its month, and those that look back on it, and no other."""
    late = ("ann", datetime(2024, 1, 31), "mail")
    rows = Rows((*ROWS.visits, late), (*ROWS.orders, (99, "ann", datetime(2024, 1, 30), 100)))
    watermark = "INSERT INTO built SELECT * FROM orders WHERE ordered_at > (SELECT max(ordered_at) FROM built)"
    assert by_hand(rows, "CREATE TABLE built AS SELECT * FROM orders WHERE id <> 99", watermark) == len(ROWS.orders)
    shop.give(rows)
    ended = shop.refresh()
    written = (
        "SELECT strftime(batch_start, '%Y-%m') FROM measure_state.batches WHERE relation = 'fct_touched' "
        "AND batch_start IS NOT NULL AND run_id = ? ORDER BY 1"
    )
    assert shop.query(written, ended.json["run_id"]) == [("2024-01",), ("2024-02",), ("2024-03",)]
    assert batches_of(ended)["fct_touched"] == 2, "the last days of January to the end of March"
    assert shop.everything() == built_whole(rows).everything()


def test_frontier_frozen(shop: VisitShop, built_whole: Callable[..., VisitShop]) -> None:
    """The day that is not over does not count; once it is over it does, with what was corrected."""
    frozen = "DELETE FROM built WHERE id = 98"
    half_a_day = Rows(ROWS.visits, (*ROWS.orders, (98, "ann", datetime(2024, 6, 11, 9), 100)))
    assert by_hand(half_a_day, BUILT_BY_HAND, frozen) < len(half_a_day.orders), "never looked at again"
    shop.give(half_a_day)
    shop.refresh()
    assert shop.query("SELECT count(*) FROM marts.fct_touched WHERE id = 98") == [(0,)]
    whole_day = Rows(ROWS.visits, (*half_a_day.orders, (97, "ann", datetime(2024, 6, 11, 21), 100)))
    shop.give(whole_day)
    shop.refresh("--as-of", "2024-06-12")
    assert shop.query("SELECT count(*) FROM marts.fct_touched WHERE id IN (97, 98)") == [(2,)]
    assert shop.everything() == built_whole(whole_day, "--as-of", "2024-06-12").everything()


def test_never_seeded(tmp_path: Path, built_whole: Callable[..., VisitShop]) -> None:
    """A model that was first built of nothing is built when there is something."""
    watermark = "INSERT INTO built SELECT * FROM orders WHERE ordered_at > (SELECT max(ordered_at) FROM built)"
    assert by_hand(ROWS, "CREATE TABLE built AS SELECT * FROM orders LIMIT 0", watermark) == 0
    shop = open_visits(tmp_path / "empty")
    shop.refresh()
    assert shop.query("SELECT count(*) FROM marts.fct_touched") == [(0,)]
    shop.give(ROWS)
    shop.refresh()
    assert shop.everything() == built_whole(ROWS).everything()


def test_late_start(shop: VisitShop) -> None:
    """What a start keeps out is counted and told."""
    assert by_hand(ROWS, f"CREATE TABLE built AS SELECT * FROM orders WHERE ordered_at >= '{APRIL}'") == 6
    shop.replace("my_stack/marts/fct_daily.sql", "time_column='day',", "time_column='day', start='2024-04-01',")
    told = " ".join(shop.measure("refresh").stderr.split())
    assert "fct_daily: 9 rows of int_touched before 2024-04-01 are not read, because the model starts on" in told
    assert shop.query("SELECT min(day) FROM marts.fct_daily") == [(datetime(2024, 4, 4).date(),)]


def test_stale_key_survives(shop: VisitShop, built_whole: Callable[..., VisitShop]) -> None:
    """A day that lost its only order is gone."""
    rows = Rows(ROWS.visits, tuple(order for order in ROWS.orders if order[0] != 31))
    merged = (
        "CREATE TABLE built AS SELECT CAST(ordered_at AS DATE) AS day, count(*) AS n FROM orders GROUP BY ALL "
        "UNION ALL SELECT DATE '2024-03-09', 1"
    )
    upsert = (
        "UPDATE built SET n = new.n "
        "FROM (SELECT CAST(ordered_at AS DATE) AS day, count(*) AS n FROM orders GROUP BY ALL) AS new "
        "WHERE built.day = new.day"
    )
    assert by_hand(rows, merged, upsert) == len(rows.orders) + 1
    shop.give(rows)
    shop.refresh()
    assert shop.query("SELECT count(*) FROM marts.fct_daily WHERE day = DATE '2024-03-09'") == [(0,)]
    assert shop.everything() == built_whole(rows).everything()


@pytest.mark.parametrize("statement", [60, 90, 120, 150])
def test_aggregate_doubled(shop: VisitShop, statement: int) -> None:
    """Whenever a reader looks, the total is that of the days it finds, and no day is there twice."""
    between = ["CREATE TABLE days AS SELECT * FROM orders", "INSERT INTO days SELECT * FROM orders",
               "CREATE TABLE built AS SELECT * FROM days", "DELETE FROM days"]  # fmt: skip
    assert by_hand(ROWS, *between) == 2 * len(ROWS.orders), "summed up between the two halves"
    shop.give(Rows(ROWS.visits, tuple((number, who, moment, 200) for number, who, moment, _ in ROWS.orders)))
    assert shop.stricken(statement) == -signal.SIGKILL
    sums = "SELECT count(*), count(DISTINCT day), CAST(sum(credited) AS BIGINT) FROM marts.fct_daily"
    ((n_days, n_different, credited),) = shop.query(sums)
    assert n_days == n_different
    assert shop.query("SELECT n_days, credited FROM marts.fct_total") == [(n_days, credited)]
