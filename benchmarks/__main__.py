"""``python -m benchmarks --parts journeys --sizes S,M``: generate what is missing, measure, print tables."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import bench_engines, bench_journeys, bench_memory, bench_orchestration, bench_refresh
from benchmarks.data import SHAPES

PARTS = ("journeys", "orchestration", "memory", "engines", "refresh")
DATA = Path(tempfile.gettempdir()) / "measure-benchmarks"


def main() -> None:
    """Parse the arguments and print the report line by line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--parts", default="journeys,orchestration", help=f"comma separated, of {', '.join(PARTS)}")
    parser.add_argument("--sizes", default="S,S-heavy,S-dense,M", help=f"comma separated, of {', '.join(SHAPES)}")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the generated sources")
    parser.add_argument("--repeats", type=int, default=3, help="runs per formulation; the median is reported")
    parser.add_argument("--memory-limit", default="500MB", help="of the runs that show spilling")
    parser.add_argument("--touches", type=int, default=12_000_000, help="rows of the part memory")
    arguments = parser.parse_args()
    sizes, parts = arguments.sizes.split(","), arguments.parts.split(",")
    for what, named, known in (("size", sizes, SHAPES), ("part", parts, PARTS)):
        if unknown := [name for name in named if name not in known]:
            parser.error(f"unknown {what} {', '.join(unknown)}; there are {', '.join(known)}")
    data, limit = arguments.data, arguments.memory_limit
    reports = {
        "journeys": lambda: bench_journeys.report(sizes, data, arguments.repeats, limit),
        "orchestration": lambda: bench_orchestration.report(arguments.repeats),
        "engines": lambda: bench_engines.report(sizes, data, arguments.repeats),
        "refresh": lambda: bench_refresh.report(sizes, data, arguments.repeats),
        "memory": lambda: bench_memory.report(arguments.touches, data, limit),
    }
    for part in parts:
        for line in reports[part]():
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
