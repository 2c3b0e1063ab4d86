"""Journeys for three lookbacks on DuckDB and on ClickHouse (chDB): the tool's SELECT, and one written for ClickHouse.

All start from tables that are loaded already and leave a table behind; each run is a process of its own, and the
number of counted touches has to be the same.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.data import SHAPES, Dataset, generate
from benchmarks.formulations import HALF_LIFE_DAYS, LOOKBACKS, journeys_select
from measure_cli.clickhouse_text import MEANING, clickhouse_type
from measure_cli.dialects.compile import compile_select
from measure_cli.kinds import EngineKind

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "touchpoints": {"user_pseudonym": "VARCHAR", "event_ts": "TIMESTAMP", "event_kind": "VARCHAR"},
    "conversions": {
        "conversion_key": "VARCHAR", "user_pseudonym": "VARCHAR", "conversion_kind": "VARCHAR",
        "conversion_ts": "TIMESTAMP", "conversion_date": "DATE", "conversion_amount": "DECIMAL(18,6)",
    },
    "exclusions": {"conversion_kind": "VARCHAR", "event_kind": "VARCHAR"},
}  # fmt: skip
READ: Mapping[str, str] = {
    "touchpoints": "SELECT user_id AS user_pseudonym, event_ts, event_kind FROM read_parquet('{touchpoints}')",
    "conversions": "SELECT conversion_id AS conversion_key, user_id AS user_pseudonym, conversion_kind, conversion_ts, "
    "CAST(conversion_ts AS DATE) AS conversion_date, CAST(amount AS DECIMAL(18,6)) AS conversion_amount "
    "FROM read_parquet('{conversions}')",
    "exclusions": "SELECT CAST(NULL AS VARCHAR) AS conversion_kind, CAST(NULL AS VARCHAR) AS event_kind WHERE false",
}


@dataclass(frozen=True)
class Outcome:
    """Seconds of one run, and how many touches the windows hold together."""

    seconds: float
    touches: int


def on_duckdb(dataset: Dataset) -> Outcome:
    """The tool's SELECT on DuckDB."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(Path(folder) / "bench.duckdb")) as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET enable_progress_bar = false")
        for name, select in READ.items():
            connection.execute(f"CREATE TABLE {name} AS {_filled(select, dataset)}")
        began = time.perf_counter()
        select = journeys_select(("touchpoints", "conversions", "exclusions"), LOOKBACKS, False)
        connection.execute(f"CREATE TABLE journeys AS {select}")
        seconds = time.perf_counter() - began
        counted = connection.execute(f"SELECT {_sums()} FROM journeys").fetchone()
        assert counted is not None
        return Outcome(seconds, int(counted[0]))


def translated(dataset: Dataset) -> Outcome:
    """The tool's SELECT on ClickHouse, as it is written for it."""
    schema = {f"measure_ref.{name}": dict(columns) for name, columns in COLUMNS.items()}
    relations = ("measure_ref.touchpoints", "measure_ref.conversions", "measure_ref.exclusions")
    select = journeys_select(relations, LOOKBACKS, False)
    compiled = compile_select(select, schema, locate=lambda line: f"line {line}", engine=EngineKind.CLICKHOUSE)
    return _on_clickhouse(dataset, compiled.sql(lambda key: key.partition(".")[2]))


def native(dataset: Dataset) -> Outcome:
    """What somebody who only has ClickHouse would write: a join on the user, conditions on time in the aggregates."""
    windows = ", ".join(
        f"countIf(lag <= {days * 86_400_000_000}) AS n_touches_{days}d, "
        f"minIf(event_ts, lag <= {days * 86_400_000_000}) AS first_touch_ts_{days}d, "
        f"maxIf(event_ts, lag <= {days * 86_400_000_000}) AS last_touch_ts_{days}d, "
        f"sumIf(exp2(-lag / {HALF_LIFE_DAYS * 86_400e6}), lag <= {days * 86_400_000_000}) AS td_sum_{days}d"
        for days in LOOKBACKS
    )
    carried = [name for name in COLUMNS["conversions"] if name != "conversion_key"]
    return _on_clickhouse(
        dataset,
        f"""
        SELECT conversion_key, {", ".join(f"any(c_{name}) AS {name}" for name in carried)}, event_kind, {windows}
        FROM (
            SELECT
                c.conversion_key AS conversion_key, {", ".join(f"c.{name} AS c_{name}" for name in carried)},
                t.event_ts AS event_ts, t.event_kind AS event_kind,
                dateDiff('microsecond', t.event_ts, c.conversion_ts) AS lag
            FROM touchpoints AS t
            INNER JOIN conversions AS c ON t.user_pseudonym = c.user_pseudonym
            WHERE t.event_ts < c.conversion_ts AND t.event_ts >= c.conversion_ts - INTERVAL {LOOKBACKS[-1]} DAY
        )
        GROUP BY conversion_key, event_kind
        """,
    )


def _on_clickhouse(dataset: Dataset, select: str) -> Outcome:
    import clickhouse_connect

    with tempfile.TemporaryDirectory() as folder:
        client = clickhouse_connect.get_client(dsn=f"chdb:///{folder}/bench")
        client.command("CREATE DATABASE bench")
        client.command("USE bench")
        for name, value in MEANING.items():
            client.command(f"SET {name} = {value}")
        for name, read in READ.items():
            typed = ", ".join(f"{column} {clickhouse_type(kind)}" for column, kind in COLUMNS[name].items())
            client.command(f"CREATE TABLE {name} ({typed}) ENGINE = MergeTree ORDER BY tuple()")
            file = Path(folder) / f"{name}.parquet"
            duckdb.execute("SET enable_progress_bar = false")
            duckdb.sql(f"COPY ({_filled(read, dataset)}) TO '{file}' (FORMAT parquet)")
            client.command(f"INSERT INTO {name} FROM INFILE '{file}' FORMAT Parquet")
        began = time.perf_counter()
        client.command(f"CREATE TABLE journeys ENGINE = MergeTree ORDER BY tuple() AS {select}")
        seconds = time.perf_counter() - began
        counted = client.query(f"SELECT {_sums()} FROM journeys").result_rows[0][0]
        client.close()
        return Outcome(seconds, int(counted))


def _filled(select: str, dataset: Dataset) -> str:
    return select.format(touchpoints=dataset.touchpoints, conversions=dataset.conversions)


def _sums() -> str:
    return " + ".join(f"sum(n_touches_{days}d)" for days in LOOKBACKS)


RUNS: Mapping[str, Callable[[Dataset], Outcome]] = {
    "DuckDB": on_duckdb,
    "ClickHouse": translated,
    "ClickHouse, written for it": native,
}


def report(sizes: Sequence[str], folder: Path, repeats: int) -> Iterator[str]:
    """Yield the lines of the report; runs take turns."""
    yield f"{'size':<10}{'journeys on':<30}{'seconds':>10}{'x DuckDB':>10}"
    for size in sizes:
        dataset, outcomes = generate(SHAPES[size], folder), {name: list[Outcome]() for name in RUNS}
        for _ in range(repeats):
            for name, run in RUNS.items():
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                    outcomes[name].append(pool.submit(run, dataset).result())
        if len({outcome.touches for made in outcomes.values() for outcome in made}) > 1:
            raise RuntimeError(f"{size}: the engines count other touches: {outcomes}")
        seconds = {name: statistics.median(outcome.seconds for outcome in made) for name, made in outcomes.items()}
        for name, value in seconds.items():
            yield f"{size:<10}{name:<30}{value:>10.2f}{value / seconds['DuckDB']:>10.2f}"
