"""`measure refresh`, struck: `python -m tests.refresh.stricken_refresh NUMBER BEGINNING SIGNAL ARGUMENTS...`.

The process sends itself the signal before it runs the statement NUMBER of those with this beginning. Everything else
is the tool as it is.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time

import duckdb

from measure_cli.cli import main
from measure_cli.engines import duckdb as engine
from measure_cli.types import Statement


def light(moment: int, beginning: str, number: int) -> None:
    """Replace the driver's session by one that counts."""
    counter = itertools.count(1)

    class StrickenSession(engine.DuckDBSession):
        def _run(self, statement: Statement) -> duckdb.DuckDBPyConnection:
            if statement.sql.startswith(beginning) and next(counter) == moment:
                os.kill(os.getpid(), number)
                time.sleep(0.5)  # a signal that can be handled takes a moment to arrive
            return super()._run(statement)

    engine.DuckDBSession = StrickenSession  # type: ignore[misc]


if __name__ == "__main__":
    light(int(sys.argv[1]), sys.argv[2], signal.Signals[sys.argv[3]])
    sys.argv = ["measure", "refresh", *sys.argv[4:]]
    main()
