"""Journeys and attribution: seconds, ratios to the scan of the input, memory, and the targets next to them.

Machines are noisy and differ; the ratios within one report are the result, the seconds are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.data import SHAPES, Dataset, Shape, generate
from benchmarks.dataframes import has_polars
from benchmarks.formulations import BUILD, COMPLETE, JOURNEYS, NAIVE, POLARS, SCAN
from benchmarks.measure import Job, Run, median, side_by_side

LIMITED = f"{COMPLETE}, memory_limit"
HEADER = ("size", "formulation", "seconds", "x scan", "cpu s", "peak MB")
Results = dict[tuple[str, str], Run]


def report(sizes: Sequence[str], folder: Path, repeats: int, memory_limit: str) -> Iterator[str]:
    """Yield the lines of the report, the rows of a size as soon as it is measured."""
    results: Results = {}
    yield _line(HEADER)
    for size in sizes:
        jobs = _jobs(generate(SHAPES[size], folder), memory_limit)
        for job, runs in side_by_side(jobs, repeats):
            results[size, job.label] = median(runs)
        yield from (_row(results, size, job.label) for job in jobs)
    yield ""
    yield from _targets(results, sizes, memory_limit)


def _jobs(dataset: Dataset, memory_limit: str) -> list[Job]:
    names = (SCAN, NAIVE, JOURNEYS, COMPLETE, *((POLARS,) if has_polars() else ()), BUILD)
    jobs = [Job(name, name, dataset) for name in names]
    return [*jobs, Job(LIMITED, COMPLETE, dataset, memory_limit)]


def _row(results: Results, size: str, label: str) -> str:
    run = results[size, label]
    ratio = run.wall / results[size, SCAN].wall
    return _line((size, label, f"{run.wall:.3f}", f"{ratio:.1f}", f"{run.cpu:.2f}", f"{run.peak_mb:.0f}"))


def _line(cells: Sequence[str]) -> str:
    size, label, *numbers = cells
    return f"{size:<10}{label:<38}" + "".join(f"{number:>10}" for number in numbers)


def _targets(results: Results, sizes: Sequence[str], memory_limit: str) -> Iterator[str]:
    yield f"{'target':<68}{'aim':>8}{'reached':>10}"
    for size in sizes:
        whole, limited = results[size, COMPLETE], results[size, LIMITED]
        yield _target(f"{size}: {COMPLETE}, times the scan", "<= 3", whole.wall / results[size, SCAN].wall)
        yield _target(
            f"{size}: one pass under memory_limit {memory_limit}, times unlimited", "<= 1.3", limited.wall / whole.wall
        )
        if (size, POLARS) in results:
            polars = results[size, POLARS]
            yield _target(f"{size}: {COMPLETE}, times {POLARS}", "<= 1", whole.wall / polars.wall)
            yield _target(f"{size}: its peak memory, times that of polars", "<= 0.5", whole.peak_mb / polars.peak_mb)
        base = size.removesuffix("-heavy")
        if base != size and base in sizes:
            share = whole.wall / results[base, COMPLETE].wall
            yield _target(f"{size}: times {base}, which has as many rows but no heavy users", "~ 1", share)
    family = [SHAPES[size] for size in sizes if "-" not in size]
    if len(family) > 1:
        yield _target(
            f"{' to '.join(shape.name for shape in family)}: exponent of the growth", "~ 1", _slope(results, family)
        )


def _target(text: str, aim: str, reached: float) -> str:
    return f"{text:<68}{aim:>8}{reached:>10.2f}"


def _slope(results: Results, shapes: Sequence[Shape]) -> float:
    """Return the exponent b of seconds ~ rows^b, by least squares on the logarithms; 1 is linear."""
    points = [(math.log(shape.touches), math.log(results[shape.name, COMPLETE].wall)) for shape in shapes]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
