"""Relations built side by side: however many threads, the same result."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.versions import TABLES, open_versions, version_of
from tests.build.workshop import Workshop, open_workshop


def with_threads(shop: Workshop, threads: int) -> Workshop:
    shop.replace(
        "measure.toml", 'path = "warehouse/shop.duckdb"', f'path = "warehouse/shop.duckdb"\nthreads = {threads}'
    )
    return shop


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_number_of_threads_does_not_show(tmp_path: Path, threads: int) -> None:
    alone = with_threads(open_workshop(tmp_path / "alone"), 1)
    alone.build()
    many = with_threads(open_workshop(tmp_path / "many"), threads)
    many.build()
    assert many.content() == alone.content()


def test_builds_in_many_threads_are_whole(tmp_path: Path) -> None:
    shop = with_threads(open_versions(tmp_path), 8)
    for version in range(6):
        ended = shop.build("--var", f"version={version}")
        assert set(TABLES) <= ended.having("built")
        assert version_of(shop) == version


def test_a_failure_among_many_threads_stops_only_its_own_branch(tmp_path: Path) -> None:
    shop = with_threads(open_versions(tmp_path), 8)
    shop.build("--var", "version=1")
    shop.write(
        "my_stack/marts/t09.sql",
        "{{ config(materialized='table') }}\n"
        "SELECT CAST('x' || city AS INTEGER) AS version FROM {{ source('orders') }}\n",
    )
    ended = shop.build("--var", "version=2", exit_code=1)
    assert ended.unusual == {"t09": "failed"}
    assert shop.query("SELECT DISTINCT version FROM marts.t09") == [(1,)]
    assert shop.query("SELECT DISTINCT version FROM marts.t10") == [(2,)]


def test_a_thread_setting_is_the_one_of_the_database(tmp_path: Path) -> None:
    shop = with_threads(open_workshop(tmp_path), 3)
    hook = """pre_hook="CREATE OR REPLACE TABLE marts.threads AS SELECT current_setting('threads') AS n", """
    shop.replace("my_stack/marts/fct_day.sql", "order_by", hook + "order_by")
    shop.build("+fct_day")
    assert shop.query("SELECT n FROM marts.threads") == [(3,)]
