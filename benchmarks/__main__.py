"""``python -m benchmarks --sizes S,S-heavy,M``: generate what is missing, measure, print a table."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import bench_journeys, bench_orchestration
from benchmarks.data import SHAPES

DATA = Path(tempfile.gettempdir()) / "measure-benchmarks"


def main() -> None:
    """Parse the arguments and print the report line by line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", default="S,S-heavy,S-dense,M", help=f"comma separated, of {', '.join(SHAPES)}")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the generated sources")
    parser.add_argument("--repeats", type=int, default=3, help="runs per formulation; the median is reported")
    parser.add_argument("--memory-limit", default="500MB", help="of the run that shows spilling")
    arguments = parser.parse_args()
    sizes = arguments.sizes.split(",")
    if unknown := [size for size in sizes if size not in SHAPES]:
        parser.error(f"unknown size {', '.join(unknown)}; there are {', '.join(SHAPES)}")
    for line in bench_journeys.report(sizes, arguments.data, arguments.repeats, arguments.memory_limit):
        print(line, flush=True)
    print()
    for line in bench_orchestration.report(arguments.repeats):
        print(line, flush=True)


if __name__ == "__main__":
    main()
