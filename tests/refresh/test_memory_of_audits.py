"""Audits of a model whose batches fit into the memory limit of a target without a disk, while all of it does not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.build.workshop import Workshop

ROWS_A_DAY = 6_000
FILES = {
    "measure.toml": """\
        [project]
        name = "big"
        stack = "my_stack"
        as_of = "2024-07-01"

        [targets.local]
        type = "duckdb"
        path = "warehouse/shop.duckdb"
        memory_limit = "100MB"
        threads = 1
        temp_directory = ""

        [sources.touches]
        path = "data/touches.parquet"
        """,
    "my_stack/stack.yml": """\
        name: my_stack
        description: Every touch is followed by a conversion.
        vars:
          lookbacks: {type: "list[int]", default: [7], description: Days before a conversion.}
          include_touch_at_conversion: {type: bool, default: false, description: Whether a touch at its moment counts.}
        """,
    "my_stack/sources.yml": """\
        sources:
          - name: touches
            description: Touches.
            required: true
            columns:
              - {name: user_id, data_type: varchar, required: true, description: Who.}
              - {name: event_ts, data_type: timestamp, required: true, description: When.}
              - {name: converted_at, data_type: timestamp, required: true, description: When the conversion came.}
        """,
    "my_stack/registries.yml": """\
        registries:
          - name: exclusions
            description: Kinds of touches that do not count.
            key: [conversion_kind, event_kind]
            columns:
              - {name: conversion_kind, data_type: varchar, required: true, description: Of these conversions.}
              - {name: event_kind, data_type: varchar, required: true, description: These touches.}
        """,
    "my_stack/registries/exclusions.csv": "conversion_kind,event_kind\nsale,own site\n",
    "my_stack/staging/stg_touches.sql": """\
        {{ config(materialized='table', time_column='event_ts') }}
        SELECT user_id AS user_pseudonym, event_ts, converted_at, 'mail' AS event_kind FROM {{ source('touches') }}
        """,
    "my_stack/marts/fct_wide.sql": """\
        {{ config(materialized='incremental', time_column='conversion_ts', lookback=7) }}
        SELECT
          user_pseudonym AS conversion_key,
          user_pseudonym,
          'sale' AS conversion_kind,
          converted_at AS conversion_ts,
          event_kind,
          1 AS n_touches_7d,
          event_ts AS first_touch_ts_7d,
          event_ts AS last_touch_ts_7d
        FROM {{ ref('stg_touches') }}
        {%- if is_incremental() %}
        WHERE event_ts >= {{ batch.start }} - INTERVAL 7 DAY AND event_ts < {{ batch.end }}
          AND converted_at >= {{ batch.start }} AND converted_at < {{ batch.end }}
        {%- endif %}
        """,
    "my_stack/marts/schema.yml": """\
        models:
          - name: fct_wide
            description: Conversions with the touch before them.
            data_tests:
              - no_leakage: {touchpoints: stg_touches, exclusions: exclusions}
            columns:
              - name: conversion_key
                data_tests: [unique]
        """,
}


def write_touches(folder: Path, more: str = "") -> None:
    """Half a year of touches of users with long names; `more` is a SELECT of others."""
    (folder / "data").mkdir(exist_ok=True)
    moment = f"TIMESTAMP '2024-01-01 06:00:00' + to_days(CAST(n // {ROWS_A_DAY} AS INTEGER))"
    rows = (
        f"SELECT lpad(CAST(n AS VARCHAR), 60, 'user') AS user_id, {moment} AS event_ts, "
        f"{moment} + INTERVAL 1 HOUR AS converted_at FROM range({182 * ROWS_A_DAY}) AS touches(n)"
    )
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows}{more}) TO '{folder}/data/touches.parquet'")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    for path, text in FILES.items():
        shop.write(path, text)
    write_touches(tmp_path)
    return shop


def test_audits_take_the_memory_of_a_batch(shop: Workshop) -> None:
    """From nothing, and after a day has changed; that all rows do not fit shows when all of them are audited."""
    refreshed = shop.measure("refresh", "--json")
    assert refreshed.exit_code == 0, refreshed.stderr
    assert refreshed.audits["fct_wide", "no_leakage"]["status"] == "pass"
    assert shop.query("SELECT count(*) FROM marts.fct_wide") == [(182 * ROWS_A_DAY,)]
    for audit in shop.measure("audit", "fct_wide", "--json").audits.values():
        assert audit["status"] == "error" or audit["name"] == "not_null(conversion_ts)"
        assert audit["status"] == "pass" or "Out of Memory" in audit["message"]
    write_touches(shop.folder, " UNION ALL SELECT 'late', TIMESTAMP '2024-03-09', TIMESTAMP '2024-03-09 01:00:00'")
    again = shop.measure("refresh", "--json")
    assert {audit["status"] for audit in again.audits.values()} == {"pass"}


def test_offending_rows_are_counted_part_by_part(shop: Workshop) -> None:
    """The verdict needs no more memory than the rest: what is found is told, and shown."""
    write_touches(shop.folder, " UNION ALL SELECT 'late', TIMESTAMP '2024-03-09', TIMESTAMP '2024-03-09'")
    refreshed = shop.measure("refresh", "--json")
    assert refreshed.exit_code == 1
    leakage = refreshed.audits["fct_wide", "no_leakage"]
    assert (leakage["status"], leakage["failures"]) == ("fail", 1)
    assert "counted in parts" in leakage["message"]
    assert "touch after the conversion" in refreshed.stderr
