"""Projects on benchmark data that `python -m benchmarks --parts refresh` builds and refreshes, and the same by hand."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.data import AS_OF, FIRST_DAY, MONTHS, Dataset, write_parquet
from measure_cli.project import Overrides
from measure_cli.request import Request
from measure_cli.workflows import script

JOURNEYS, REACH = "int_journeys", "fct_reach_daily"
CHANGED_DAYS = ("2024-06-15", "2025-06-30")  # one in the middle, and the last one
REACH_STACK = {
    "stack.yml": "name: reach\ndescription: Users of each day.\n",
    "sources.yml": """\
sources:
  - name: touchpoints
    required: true
    columns:
      - {name: user_id, data_type: varchar, required: true}
      - {name: event_ts, data_type: timestamp, required: true}
      - {name: event_kind, data_type: varchar, required: true}
""",
    "staging/stg_visits.sql": """\
{{ config(materialized='table', time_column='event_ts') }}
SELECT user_id, event_ts, event_kind FROM {{ source('touchpoints') }}
""",
    f"marts/{REACH}.sql": """\
{{ config(materialized='incremental', time_column='day') }}
SELECT CAST(event_ts AS DATE) AS day, count(DISTINCT user_id || event_kind) AS n_users
FROM {{ ref('stg_visits') }}
{%- if is_incremental() %}
WHERE event_ts >= {{ batch.start }} AND event_ts < {{ batch.end }}
{%- endif %}
GROUP BY CAST(event_ts AS DATE)
""",
}


@dataclass(frozen=True)
class Ran:
    """A command that is over: seconds and CPU seconds of its process, its results, what it told on the way."""

    seconds: float
    cpu: float
    results: str
    told: str
    exit_code: int

    @property
    def cost(self) -> tuple[float, float]:
        """Seconds and CPU seconds."""
        return self.seconds, self.cpu

    @property
    def models(self) -> Sequence[Mapping[str, Any]]:
        """What the JSON document says of all models."""
        models: Sequence[Mapping[str, Any]] = json.loads(self.results)["models"]
        return models

    def model(self, name: str) -> Mapping[str, Any]:
        """What the document says of one model."""
        return next(model for model in self.models if model["name"] == name)


@dataclass(frozen=True)
class Project:
    """A folder with a measure.toml and a database."""

    folder: Path

    @property
    def database(self) -> Path:
        """The file of its target."""
        return self.folder / "target.duckdb"

    def write(
        self,
        dataset: Dataset,
        stack: str,
        *,
        touchpoints: str | None = None,
        memory_limit: str = "",
        as_of: str = AS_OF,
    ) -> None:
        """Configure it. With a memory limit there is no disk to go to, and one thread, whose share is all of it."""
        self.folder.mkdir(exist_ok=True)
        tight = f'memory_limit = "{memory_limit}"\ntemp_directory = ""\nthreads = 1\n' if memory_limit else ""
        conversions = f'[sources.conversions]\npath = "{dataset.conversions}"\n' if stack == "starter" else ""
        (self.folder / "measure.toml").write_text(
            f'[project]\nstack = "{stack}"\nas_of = "{as_of}"\ntarget = "here"\n'
            f'[targets.here]\ntype = "duckdb"\npath = "{self.database.name}"\n{tight}'
            f'[sources.touchpoints]\npath = "{touchpoints or dataset.touchpoints}"\n{conversions}',
            encoding="utf-8",
        )

    def measure(self, *arguments: str, may_fail: bool = False) -> Ran:
        """Run the tool in a process of its own, when the disk has taken all that was written before."""
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        os.sync()
        began, before = time.perf_counter(), cpu_of_commands()
        ended = subprocess.run(
            [sys.executable, "-m", "measure_cli", *arguments],
            cwd=self.folder, env=environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        seconds, cpu = time.perf_counter() - began, cpu_of_commands() - before
        if ended.returncode and not may_fail:
            raise RuntimeError(f"measure {' '.join(arguments)} ended with {ended.returncode}: {ended.stderr}")
        return Ran(seconds, cpu, ended.stdout, ended.stderr, ended.returncode)


def cpu_of_commands() -> float:
    """CPU seconds of all commands that are over."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


Content = tuple[object, list[float]]


def content(database: Path, relation: str) -> Content:
    """What a relation holds in any order of rows: count and hash, and sums of doubles, which are never quite equal."""
    with duckdb.connect(str(database), read_only=True) as connection:
        kinds = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {relation}").fetchall()}
        exact = ", ".join(name for name, kind in kinds.items() if kind != "DOUBLE")
        doubles = [f"coalesce(sum({name}), 0)" for name, kind in kinds.items() if kind == "DOUBLE"]
        facts = ", ".join(["count(*)", f"sum(hash({exact}))", *doubles])
        found = connection.execute(f"SELECT {facts} FROM {relation}").fetchone()
    assert found is not None
    return found[:2], [*found[2:]]


def must_be_same(what: str, one: Content, other: Content) -> None:
    """Two relations hold the same rows.

    Raises:
        RuntimeError: they do not.
    """
    is_close = all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(one[1], other[1], strict=True))
    if one[0] != other[0] or not is_close:
        raise RuntimeError(f"{what} differs: {one} and {other}")


def must_agree(one: Project, other: Project, relations: Sequence[str]) -> None:
    """Two projects hold the same rows in each of these relations."""
    for relation in relations:
        must_be_same(relation, content(one.database, relation), content(other.database, relation))


def months() -> list[str]:
    """The months of the data."""
    year, month, _ = map(int, FIRST_DAY.split("-"))
    first = year * 12 + month - 1
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(first, first + MONTHS)]


def month_selects(project: Project, model: str) -> list[tuple[str, str]]:
    """Each month with the SELECT of a model for it, as `measure sql --batch` prints it."""
    request = Request(Overrides(date.fromisoformat(AS_OF), project_dir=project.folder), (model,))
    return [(month, script(request, None, select_only=True, batch=month).text) for month in months()]


def by_hand(database: Path, selects: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Seconds and CPU seconds to fill a table of journeys by months, each deleted and inserted in a transaction."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")  # as the tool does
        connection.execute(f"CREATE OR REPLACE TABLE by_hand AS SELECT * FROM intermediate.{JOURNEYS} LIMIT 0")
        began, before = time.perf_counter(), time.process_time()
        for month, select in selects:
            start = f"TIMESTAMP '{month}-01'"
            connection.begin()
            connection.execute(
                f"DELETE FROM by_hand WHERE conversion_ts >= {start} AND conversion_ts < {start} + INTERVAL 1 MONTH"
            )
            connection.execute(f"INSERT INTO by_hand {select}")
            connection.commit()
        return time.perf_counter() - began, time.process_time() - before


def write_monthly(dataset: Dataset, folder: Path) -> None:
    """The touchpoints as a file a month."""
    folder.mkdir()
    with duckdb.connect() as connection:
        for month in months():
            rows = f"SELECT * FROM read_parquet('{dataset.touchpoints}') WHERE strftime(event_ts, '%Y-%m') = '{month}'"
            write_parquet(connection, folder / f"{month}.parquet", rows)


def add_late_row(folder: Path, day: str) -> None:
    """Write the file of one month again, with one row more on one of its days."""
    file = folder / f"{day[:7]}.parquet"
    before = file.rename(file.with_suffix(".before"))
    with duckdb.connect() as connection:
        first = (
            f"SELECT user_id, event_ts + INTERVAL 1 SECOND, event_kind FROM read_parquet('{before}') "
            f"WHERE CAST(event_ts AS DATE) = DATE '{day}' ORDER BY event_ts LIMIT 1"
        )
        write_parquet(connection, file, f"SELECT * FROM read_parquet('{before}') UNION ALL ({first})")
    before.unlink()


def add_day(folder: Path, number: int) -> str:
    """Write a file for a day after the last one, with the rows of that one; returns the day of reference then.

    `number` days were added before.
    """
    day = date.fromisoformat(AS_OF) + timedelta(days=number)
    with duckdb.connect() as connection:
        last = date.fromisoformat(AS_OF) - timedelta(days=1)
        rows = (
            f"SELECT user_id, event_ts + INTERVAL {number + 1} DAY AS event_ts, event_kind "
            f"FROM read_parquet('{folder}/{last:%Y-%m}.parquet') WHERE CAST(event_ts AS DATE) = DATE '{last}'"
        )
        write_parquet(connection, folder / f"{day}.parquet", rows)
    return (day + timedelta(days=1)).isoformat()


def write_reach(project: Project, dataset: Dataset, memory_limit: str = "") -> None:
    """A project whose only incremental model counts distinct users, which takes memory and nothing else."""
    project.write(dataset, "reach", memory_limit=memory_limit)
    for name, text in REACH_STACK.items():
        file = project.folder / "reach" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
