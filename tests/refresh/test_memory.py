"""Batches that do not fit into the memory limit of a real target, which has no disk to go to."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.build.workshop import Workshop

FILES = {
    "measure.toml": """\
        [project]
        name = "big"
        stack = "my_stack"
        as_of = "2024-03-01"

        [targets.local]
        type = "duckdb"
        path = "warehouse/shop.duckdb"
        memory_limit = "100MB"
        threads = 1
        temp_directory = ""

        [sources.events]
        path = "data/events.parquet"
        """,
    "my_stack/stack.yml": "name: my_stack\ndescription: Many events.\n",
    "my_stack/sources.yml": """\
        sources:
          - name: events
            description: Events.
            required: true
            columns:
              - {name: id, data_type: varchar, required: true, description: Number.}
              - {name: happened_at, data_type: timestamp, required: true, description: When.}
        """,
    "my_stack/staging/stg_events.sql": """\
        {{ config(materialized='table', time_column='happened_at') }}
        SELECT id, happened_at FROM {{ source('events') }}
        """,
    "my_stack/marts/fct_days.sql": """\
        {{ config(materialized='incremental', time_column='day') }}
        SELECT CAST(happened_at AS DATE) AS day, count(DISTINCT id) AS n_ids
        FROM {{ ref('stg_events') }}
        {%- if is_incremental() %}
        WHERE happened_at >= {{ batch.start }} AND happened_at < {{ batch.end }}
        {%- endif %}
        GROUP BY CAST(happened_at AS DATE)
        """,
}


def open_big(folder: Path, rows_a_day: int, on_the_last: int) -> Workshop:
    """60 days of events with long ids, more of them on the last day."""
    shop = Workshop(folder)
    for path, text in FILES.items():
        shop.write(path, text)
    (folder / "data").mkdir()
    ids = "lpad(CAST(hash(n) AS VARCHAR), 60, 'event') AS id"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {ids}, TIMESTAMP '2024-01-01' + to_days(CAST(n % 60 AS INTEGER)) AS happened_at "
            f"FROM range({60 * rows_a_day}) AS days(n) "
            f"UNION ALL SELECT {ids}, TIMESTAMP '2024-02-29' FROM range({on_the_last}) AS days(n)) "
            f"TO '{folder}/data/events.parquet'"
        )
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return open_big(tmp_path, rows_a_day=40_000, on_the_last=0)


def test_a_batch_that_is_too_large_is_halved_until_it_fits(shop: Workshop) -> None:
    """same_oom_again: later batches begin with the size that fitted."""
    ended = shop.measure("refresh", "--batch-months", "2")
    assert ended.exit_code == 0, ended.stderr
    assert "fct_days 2024-01..2024-02 is too large for memory, now 2024-01 and 2024-02" in ended.stderr
    assert shop.query("SELECT count(*), min(n_ids), max(n_ids) FROM marts.fct_days") == [(60, 40_000, 40_000)]
    splits = ended.stderr.count("is too large for memory")
    done = [line.split()[1] for line in ended.stderr.splitlines() if " rows/s" in line]
    assert len(done) > splits  # February was not tried as a whole
    months = shop.query("SELECT batch_start FROM measure_state.batches WHERE batch_start IS NOT NULL ORDER BY 1")
    assert [month.month for (month,) in months] == [1, 2]


def test_a_day_that_does_not_fit_fails_the_model(tmp_path: Path) -> None:
    shop = open_big(tmp_path, rows_a_day=2_000, on_the_last=1_500_000)
    ended = shop.measure("refresh")
    assert ended.exit_code == 1
    assert "the single day 2024-02-29 does not fit into memory" in ended.stderr
    shop.replace("measure.toml", 'memory_limit = "100MB"', 'memory_limit = "2GB"')
    again = shop.measure("refresh", "--json")
    assert [model["batches"] for model in again.json["models"] if model["name"] == "fct_days"] == [1]
    assert shop.query("SELECT count(*) FROM marts.fct_days") == [(60,)]
