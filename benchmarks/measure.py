"""Run one formulation in a process of its own and report seconds and peak memory.

A fresh process makes the peak resident size belong to that run alone. The clock covers the statements, not the start
of the interpreter and not the generation of data; files are in the page cache after the first run.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.data import Dataset
from benchmarks.formulations import FORMULATIONS, Target, connect


@dataclass(frozen=True)
class Run:
    """Seconds on the clock, seconds of both cores, the largest resident size; and whether memory sufficed."""

    wall: float
    cpu: float
    peak_mb: float
    completed: bool = True


@dataclass(frozen=True)
class Job:
    """What to run; ``label`` names its row in the table."""

    label: str
    formulation: str
    dataset: Dataset
    memory_limit: str | None = None


def run_once(job: Job) -> Run:
    """Run ``job`` here; call it through ``run_apart`` for a meaningful peak."""
    with (
        tempfile.TemporaryDirectory() as folder,
        connect(job.dataset, Path(folder) / "bench.duckdb", job.memory_limit) as connection,
    ):
        wall, cpu, completed = time.perf_counter(), time.process_time(), True
        try:
            FORMULATIONS[job.formulation](Target(connection, job.dataset, Path(folder)))
        except duckdb.OutOfMemoryException:
            completed = False
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Run(wall, cpu, _peak_mb(), completed)


def run_apart(job: Job) -> Run:
    """Run ``job`` in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run_once, job).result()


def side_by_side(jobs: Sequence[Job], repeats: int) -> Iterator[tuple[Job, list[Run]]]:
    """Take turns, so that whatever else the machine does falls on all jobs alike."""
    runs: dict[Job, list[Run]] = {job: [] for job in jobs}
    for _ in range(repeats):
        for job in jobs:
            runs[job].append(run_apart(job))
    yield from runs.items()


def median(runs: Sequence[Run]) -> Run:
    """Return the median of each measure."""
    return Run(
        statistics.median(run.wall for run in runs),
        statistics.median(run.cpu for run in runs),
        statistics.median(run.peak_mb for run in runs),
        all(run.completed for run in runs),
    )


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
