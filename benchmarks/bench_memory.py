"""Journeys of card wallets under a memory limit: completed or not, seconds and peak memory, next to the naive query.

Runs take minutes and the naive query spills tens of gigabytes, so each is measured once and the part runs on request.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.card_wallets import generate_card_wallets
from benchmarks.data import Dataset
from benchmarks.formulations import JOURNEYS, JOURNEYS_WIDEST, WINDOW_FUNCTIONS
from benchmarks.measure import Job, Run, run_apart

ROOMY = "4GB"


def report(touches: int, folder: Path, memory_limit: str) -> Iterator[str]:
    """Yield the lines of the report, each when its run is over."""
    dataset = generate_card_wallets(touches, folder)
    yield f"{f'about {touches:,} touchpoints of card wallets':<44}" + "".join(
        f"{title:>14}" for title in ("memory_limit", "seconds", "cpu s", "peak MB")
    )
    for job in _jobs(dataset, memory_limit):
        yield _row(job, run_apart(job))


def _jobs(dataset: Dataset, memory_limit: str) -> list[Job]:
    formulations = (JOURNEYS_WIDEST, JOURNEYS, WINDOW_FUNCTIONS)
    return [Job(name, name, dataset, limit) for name in formulations for limit in (memory_limit, ROOMY)]


def _row(job: Job, run: Run) -> str:
    seconds = f"{run.wall:.1f}" if run.completed else "out of memory"
    cells = (str(job.memory_limit), seconds, f"{run.cpu:.1f}", f"{run.peak_mb:.0f}")
    return f"{job.label:<44}" + "".join(f"{cell:>14}" for cell in cells)
