"""How demo files come into a folder: all of them whole, or none; and which sizes and days a demo can have."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from measure_cli.errors import ProjectError

SCALES = (0.01, 1000.0)
EARLIEST_YEAR = 1900


def check_extent(scale: float, as_of: date) -> None:
    """Refuse what no demo can be made for.

    Raises:
        ProjectError: the scale or the day is out of bounds.
    """
    if not SCALES[0] <= scale <= SCALES[1]:
        raise ProjectError(f"scale {scale:g} is not between {SCALES[0]:g} and {SCALES[1]:g}", "Try --scale 1.")
    if as_of.year < EARLIEST_YEAR:
        raise ProjectError(f"as_of {as_of} lies before the year {EARLIEST_YEAR}", "Choose a later as_of.")


@contextmanager
def files_of(folder: Path, sources: Iterable[str]) -> Iterator[Path]:
    """A temporary folder to write `<source>.csv` files into; at the end they replace those in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=folder) as unfinished:
        yield Path(unfinished)
        for source in sources:
            Path(unfinished, f"{source}.csv").replace(folder / f"{source}.csv")
