"""Too little memory: one's own fault, or that of others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from measure_cli.engines import duckdb as engine
from measure_cli.engines.clickhouse_errors import translated
from measure_cli.errors import OutOfMemory, Transient
from measure_cli.types import Statement
from tests.refresh.visits import Rows, batches_of, open_visits

DAYS = range(1, 29)
LARGE = """\
{{ config(materialized='incremental', time_column='day') }}
SELECT CAST(visited_at AS DATE) AS day, length(string_agg(repeat(kind, 10000), '' ORDER BY visitor)) AS size
FROM {{ ref('stg_visits') }}
GROUP BY CAST(visited_at AS DATE)
"""
FULL_SERVER = (
    "Code: 241. DB::Exception: (total) memory limit exceeded: would use 30.01 GiB, current RSS 29.99 GiB, maximum: "
    "30.00 GiB. (MEMORY_LIMIT_EXCEEDED)"
)
FULL_QUERY = (
    "Code: 241. DB::Exception: Query memory limit exceeded: would use 4.01 GiB, maximum: 4.00 GiB. "
    "(MEMORY_LIMIT_EXCEEDED)"
)


def test_same_oom_again(tmp_path: Path) -> None:
    """A month of 12 MB a day in 150 MB: no interval is tried twice, and in the end all days are there."""
    visits = tuple((f"v{number}", datetime(2024, 5, day), "mail") for day in DAYS for number in range(300))
    shop = open_visits(tmp_path, Rows(visits, ((1, "v1", datetime(2024, 5, 30), 5),)))
    path = 'path = "warehouse/shop.duckdb"\n'
    shop.replace("measure.toml", path, f'{path}memory_limit = "150MB"\nthreads = 1\n')
    shop.write("my_stack/marts/fct_large.sql", LARGE)
    naive = shop.build("+fct_large", exit_code=1)
    assert "Out of Memory" in str(naive.reasons["fct_large"])
    ended = shop.measure("refresh", "+fct_large")
    assert ended.exit_code == 0, ended.stderr
    split = re.findall(r"fct_large (\S+) is too large for memory", ended.stderr)
    assert len(split) == len(set(split)) >= 3
    assert shop.query("SELECT count(*), min(size), max(size) FROM marts.fct_large") == [(28, 12_000_000, 12_000_000)]


def test_not_my_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that others have filled: the batch is sent again as it is, not made smaller."""
    theirs, own = (translated(DatabaseError(text, code=241)) for text in (FULL_SERVER, FULL_QUERY))
    assert isinstance(theirs, Transient)
    assert isinstance(own, OutOfMemory)
    assert not isinstance(theirs, OutOfMemory)
    shop = open_visits(tmp_path, Rows((), ((1, "ann", datetime(2024, 5, 30), 5),)))
    sent: list[str] = []

    class Unlucky(engine.DuckDBSession):
        def transaction(self, statements: Sequence[Statement]) -> list[int]:
            if any('fct_daily__batches"' in each.sql and each.sql.startswith("INSERT") for each in statements):
                sent.append("batch")
                if len(sent) == 1:
                    raise theirs
            return super().transaction(statements)

    monkeypatch.setattr(engine, "DuckDBSession", Unlucky)
    assert batches_of(shop.refresh())["fct_daily"] == 1
    assert sent == ["batch"] * 2
