"""How far a command has come, told by the statements that it sends, and its death at a moment of that course.

The course goes through memory that is shared with the process that started the command: it outlives a kill.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from measure_cli.engines import clickhouse_session, duckdb
from measure_cli.results import Table
from measure_cli.types import INTERNAL_FILE, Load, Statement

STAGED = ('INSERT INTO "measure_state"."staged"', 'DELETE FROM "measure_state"."staged"')


class Phase(IntEnum):
    """What a command is at, in order; several workers can be at several."""

    BEGINNING = 0
    STAGING = 1
    BATCHES = 2
    AUDITS = 3
    FIRST_FILE = 4  # internal relations change places, in a file of their own
    BETWEEN_FILES = 5  # it is committed, nothing of the other file is changed yet
    PUBLISHING = 6
    END = 7


@dataclass(frozen=True)
class Moment:
    """A delay after the begin of the so manieth statement of a phase, or of all; without delay right before it."""

    phase: Phase | None
    statement: int
    delay: float = 0.0


class Course:
    """Follows the statements of all sessions; `counts` has the number of statements by phase, then the last phase.

    What strikes at the moment is given its delay; without another wish the process dies.
    """

    def __init__(
        self, counts: MutableSequence[int], moment: Moment | None, strike: Callable[[float], None] | None = None
    ) -> None:
        self._counts = counts
        self._moment = moment
        self._strike = strike or die_after
        self._phase = Phase.BEGINNING
        self._seen = 0
        self._lock = threading.Lock()

    def follow(self, sql: str) -> None:
        """Note a statement before it runs; strike if this is the moment."""
        with self._lock:
            self._phase = phase_of(sql, self._phase)
            self._counts[self._phase] += 1
            self._counts[-1] = self._phase
            self._seen += 1
            moment = self._moment
            if moment is None:
                return
            reached = self._seen if moment.phase is None else self._counts[moment.phase]
            if reached == moment.statement and moment.phase in (None, self._phase):
                self._moment = None
                self._strike(moment.delay)


def die_after(seconds: float) -> None:
    """Kill this process, now or while it goes on."""

    def die() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    if seconds:
        threading.Thread(target=die, daemon=True).start()
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def phase_of(sql: str, before: Phase) -> Phase:
    """The phase that a statement belongs to, after that of the statement before it."""
    if "the lease is lost" in sql:  # a check stands before what it allows
        return Phase.BETWEEN_FILES if before is Phase.FIRST_FILE else before
    if before is Phase.END or sql.startswith('UPDATE "measure_state"."lease" SET heartbeat_at = NULL'):
        return Phase.END
    if before >= Phase.FIRST_FILE or sql.startswith('DELETE FROM "measure_state"."batches"'):
        return Phase.FIRST_FILE if INTERNAL_FILE in sql else Phase.PUBLISHING
    if '__batches"' in sql or sql.startswith(STAGED):
        return Phase.BATCHES
    if sql.startswith("SELECT count(*) FROM ("):
        return Phase.AUDITS
    return Phase.STAGING if '__next"' in sql else before


def follow_duckdb(course: Course) -> None:
    """Replace the session of DuckDB by one that tells its statements."""

    class FollowedSession(duckdb.DuckDBSession):
        def _run(self, statement: Statement) -> Any:
            course.follow(statement.sql)
            return super()._run(statement)

    duckdb.DuckDBSession = FollowedSession  # type: ignore[misc]


def follow_clickhouse(course: Course) -> None:
    """Replace the session of ClickHouse by one that tells its statements."""

    class FollowedSession(clickhouse_session.ClickHouseSession):
        def execute(self, statement: Statement) -> None:
            course.follow(statement.sql)
            super().execute(statement)

        def query(self, statement: Statement) -> Table:
            course.follow(statement.sql)
            return super().query(statement)

        def load(self, load: Load) -> None:
            course.follow(load.table)
            super().load(load)

    clickhouse_session.ClickHouseSession = FollowedSession  # type: ignore[misc]
