"""One run at a time writes to a stack of a target: it holds a lease, renews it, and writes only while it holds it.

A run that dies stops renewing, so another takes over when its time is up. A run that was only paused meanwhile learns
of that at its next write: every session of a `FencedEngine` checks the lease with each of them. What nobody can check
is a statement that a server already runs while its client is paused; all that such a one fills is a staged relation.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from measure_cli.claims import Claim, Held, LeaseStatements
from measure_cli.errors import EngineError, LeaseLost, TargetBusy, Transient
from measure_cli.events import Emit, Notice
from measure_cli.ports import Columns, Engine, Session
from measure_cli.results import RunResult, Table
from measure_cli.types import Load, Statement

HELD: set[str] = set()  # the tokens of the leases that this process holds
TAKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a lease lasts without renewal, and how often it is renewed, in seconds.

    `is_embedded`: the database lets one process in at a time, so what this one does not hold is not held.
    """

    is_embedded: bool
    duration: float = 90.0
    interval: float = 15.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that is held."""

    statements: LeaseStatements
    claim: Claim

    def meaning(self, error: EngineError, session: Session) -> EngineError:
        """What an error of a checked statement tells: that the lease is lost, or just itself."""
        with contextlib.suppress(EngineError):
            held = look(session, self.statements, self.claim)
            if not held or held[0].token != self.claim.token:
                return lost(self.claim, held)
        return error


def claim_of(run: RunResult, terms: Terms) -> Claim:
    """What a run of this process claims."""
    return Claim(run.stack, uuid.uuid4().hex, run.run_id, own_name(), run.command, round(terms.duration * 1000))


def own_name() -> str:
    """What others read about this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        user = "unknown"
    return f"{user}@{socket.gethostname()} pid {os.getpid()}"


@contextlib.contextmanager
def held_lease(
    engine: Engine, statements: LeaseStatements, claim: Claim, terms: Terms, emit: Emit
) -> Iterator[FencedEngine]:
    """The engine, for as long as the lease is held.

    Raises:
        TargetBusy: another run holds it; nothing was touched.
    """
    session = engine.session()
    try:
        with TAKING:
            acquire(session, statements, claim, terms, emit)
            HELD.add(claim.token)
        lease = Lease(statements, claim)
        with renewing(engine, lease, terms.interval):
            yield FencedEngine(engine, lease)
    finally:
        HELD.discard(claim.token)
        with contextlib.suppress(EngineError):  # it ends by itself
            session.execute(statements.release(claim))
        session.close()


def acquire(session: Session, statements: LeaseStatements, claim: Claim, terms: Terms, emit: Emit) -> None:
    """Take the lease, if nobody has it.

    Raises:
        TargetBusy: another run has it, or was faster.
    """
    for statement in statements.prepare(claim):
        session.execute(statement)
    before = next(iter(look(session, statements, claim)), None)
    if before and before.is_live:
        if not terms.is_embedded or before.token in HELD:
            raise busy(claim, before)
        session.execute(statements.release(replace(claim, token=str(before.token))))
    failure = taken(session, statements.take(claim, before.generation if before else 0))
    held = look(session, statements, claim)
    if not held or held[0].token != claim.token:
        if failure and not isinstance(failure, Transient) and not (held and held[0].is_live):
            raise failure
        raise busy(claim, held[0] if held else None)
    older = sorted({each.generation for each in held if each.generation < held[0].generation})
    session.transaction(statements.tidy(claim, older))
    if before and before.heartbeat_at:
        emit(Notice(f"{described(before)} was last heard of at {before.heartbeat_at:%H:%M:%S} UTC: taken over"))


def taken(session: Session, statements: Sequence[Statement]) -> EngineError | None:
    """Try to take the lease. Of two at once one fails, or both succeed and one is not found there."""
    try:
        session.transaction(statements)
    except EngineError as error:
        return error
    return None


def look(session: Session, statements: LeaseStatements, claim: Claim) -> list[Held]:
    """Who holds the lease, then what is left of those before."""
    return [Held(*row) for row in session.query(statements.look(claim)).rows]


def described(held: Held) -> str:
    """A run in words."""
    return f"measure {held.command} of {held.holder} (run {held.run_id})" if held.holder else "another run"


def busy(claim: Claim, held: Held | None) -> TargetBusy:
    """Who is in the way, since when, until when."""
    if held is None or held.holder is None or held.acquired_at is None:
        return TargetBusy(f"{claim.stack}: another run begins at this moment", "Wait until it is over.")
    return TargetBusy(
        f"{claim.stack}: {described(held)} is at work since {held.acquired_at:%Y-%m-%d %H:%M:%S} UTC",
        f"Wait until it is over. If it is dead, its lease ends at {held.expires_at:%H:%M:%S} UTC.",
    )


def lost(claim: Claim, held: Sequence[Held]) -> LeaseLost:
    """Who has taken over."""
    by = described(held[0]) if held else "somebody who removed the lease"
    seconds = claim.milliseconds / 1000
    return LeaseLost(
        f"{claim.stack}: this run was silent for more than {seconds:g} s and has lost its lease to {by}",
        "It has written nothing since. When the other run is over, run the command again.",
    )


@contextlib.contextmanager
def renewing(engine: Engine, lease: Lease, interval: float) -> Iterator[None]:
    """A thread of its own renews the lease."""
    stop = threading.Event()
    thread = threading.Thread(target=keep_renewing, args=(engine, lease, interval, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def keep_renewing(engine: Engine, lease: Lease, interval: float, stop: threading.Event) -> None:
    """Renew until told to stop. What fails is tried again; whether it was too late shows at the next write."""
    session = None
    while not stop.wait(interval):
        with contextlib.suppress(EngineError):
            session = session or engine.session()
            session.execute(lease.statements.renew(lease.claim))
    if session:
        session.close()


class FencedSession:
    """A session that writes only while the lease is held."""

    def __init__(self, session: Session, lease: Lease) -> None:
        self._session = session
        self._lease = lease

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            meaning = self._lease.meaning(error, self._session)
            raise meaning from error.__cause__

    def _check(self) -> None:
        self._session.execute(self._lease.statements.check(self._lease.claim))

    def execute(self, statement: Statement) -> None:
        """Run a statement for its effect, right after a check."""
        with self._guarded():
            self._check()
            self._session.execute(statement)

    def query(self, statement: Statement) -> Table:
        """Run a statement and fetch all of its rows."""
        return self._session.query(statement)

    def load(self, load: Load) -> None:
        """Fill a table from local files, right after a check."""
        with self._guarded():
            self._check()
            self._session.load(load)

    def unload(self, statement: Statement, columns: Columns, file: Path) -> None:
        """Write the rows of a SELECT into a new DuckDB file."""
        self._session.unload(statement, columns, file)

    def transaction(self, statements: Sequence[Statement]) -> Sequence[int] | None:
        """Run all statements in order, and the checks among them, of which nothing is returned."""
        fenced, own = self._lease.statements.fenced(self._lease.claim, statements), set(map(id, statements))
        with self._guarded():
            inserted = self._session.transaction(fenced)
        return inserted and [count for count, statement in zip(inserted, fenced, strict=True) if id(statement) in own]

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()


class FencedEngine:
    """An engine whose sessions write only while the lease is held."""

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self._engine = engine
        self._lease = lease

    def session(self) -> FencedSession:
        """A new connection to the same target."""
        return FencedSession(self._engine.session(), self._lease)

    def relations(self) -> Mapping[tuple[str, str], str]:
        """What exists."""
        return self._engine.relations()

    def columns(self, table: str) -> Mapping[str, str]:
        """The columns of a table or view."""
        return self._engine.columns(table)

    def fingerprint(self, table: str) -> str:
        """Changes when a row of a table changes."""
        return self._engine.fingerprint(table)

    def interrupt(self) -> None:
        """Ask every running statement of every session to stop."""
        self._engine.interrupt()

    def close(self) -> None:
        """Close every session."""
        self._engine.close()
