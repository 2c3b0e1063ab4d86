"""The command line, struck while it publishes: `python -m tests.build.stricken_build MOMENT SIGNAL ARGUMENTS...`.

MOMENT is the number of statements of the publishing transaction after which the process sends itself the signal, or
`committed`: right after the commit. Everything else is the tool as it is, on a real DuckDB file.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import overload

from measure_cli.cli import main
from measure_cli.engines import duckdb as engine
from measure_cli.types import Statement

COMMITTED = "committed"


def strike(number: int) -> None:
    """Send the signal and give it time to arrive."""
    os.kill(os.getpid(), number)
    time.sleep(0.5)


class Fuse(Sequence[Statement]):
    """Statements that strike once so many of them were taken."""

    def __init__(self, statements: Sequence[Statement], after: int, number: int) -> None:
        self._statements = statements
        self._after = after
        self._number = number

    @overload
    def __getitem__(self, index: int) -> Statement: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Statement]: ...
    def __getitem__(self, index: int | slice) -> Statement | Sequence[Statement]:
        return self._statements[index]

    def __len__(self) -> int:
        return len(self._statements)

    def __iter__(self) -> Iterator[Statement]:
        for taken, statement in enumerate(self._statements):
            if taken == self._after:
                strike(self._number)
            yield statement


def light(moment: str, number: int) -> None:
    """Replace the driver's session by one that strikes."""

    class StrickenSession(engine.DuckDBSession):
        def transaction(self, statements: Sequence[Statement]) -> list[int]:
            publishes = any("RENAME TO" in statement.sql for statement in statements)
            if publishes and moment != COMMITTED:
                statements = Fuse(statements, int(moment) % len(statements), number)
            inserted = super().transaction(statements)
            if publishes and moment == COMMITTED:
                strike(number)
            return inserted

    engine.DuckDBSession = StrickenSession  # type: ignore[misc]


if __name__ == "__main__":
    light(sys.argv[1], signal.Signals[sys.argv[2]])
    sys.argv = ["measure", *sys.argv[3:]]
    main()
