"""Builds one incremental model batch by batch: what is stale, each batch in one transaction with its record.

What is too large for memory is halved down to a day, what may succeed when it is sent again is retried, anything else
ends the model. What is in the stage stays there when a run ends early, and the next run goes on from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from measure_cli.batches import BatchPlan, BatchWriter, Days, StagedStatus, days_of, halves, length
from measure_cli.errors import Cancelled, EngineError, OutOfMemory, Transient
from measure_cli.events import BatchesPlanned, BatchFinished, BatchRetried, BatchSplit, Emit, Notice
from measure_cli.ports import Session
from measure_cli.results import RunResult
from measure_cli.state import StateTables
from measure_cli.steps import Step
from measure_cli.types import Batch, Statement
from measure_cli.workers import Clock

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something is tried, and how long to wait in between: a random part of a pause that doubles.

    `sleep` returns early, and raises, when the run is being stopped.
    """

    attempts: int
    sleep: Callable[[float], None]
    random: Callable[[], float]

    def pause(self, attempt: int) -> float:
        """Seconds to wait after a failed attempt, the first being 1."""
        longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        return longest * self.random()


@dataclass(slots=True)
class SeenDays:
    """The inputs that models of this run have asked about: each is asked once, whoever comes first."""

    found: dict[str, Days] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    def of(self, session: Session, queries: Mapping[str, Statement]) -> Mapping[str, Days]:
        """The days of some relations."""
        for relation, query in queries.items():
            with self._lock:
                lock = self._locks.setdefault(relation, threading.Lock())
            with lock:
                if relation not in self.found:
                    self.found[relation] = days_of(session.query(query))
        return {relation: self.found[relation] for relation in queries}


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the batches of a run share."""

    run: RunResult
    tables: StateTables
    clock: Clock
    patience: Patience
    emit: Emit
    seen: SeenDays


def plan_of(session: Session, writer: BatchWriter, bench: Workbench) -> BatchPlan:
    """What is stale in a model, now that its inputs are built."""
    plan = writer.plan(bench.seen.of(session, writer.day_queries()))
    for notice in plan.notices:
        bench.emit(Notice(notice))
    if not writer.is_whole:
        bench.emit(BatchesPlanned(plan))
    return plan


def fill_stage(session: Session, step: Step, writer: BatchWriter, plan: BatchPlan, bench: Workbench) -> None:
    """Compute every batch of a plan, then make the relation readable to the run.

    Raises:
        EngineError: a batch failed for good; those before it stay in the stage.
    """
    planned = bench.tables.ledger.batches_planned(bench.run, plan, bench.clock.now())
    land(session, step, writer.open(plan), planned)
    Filling(session, step, writer, plan, bench).run()
    for statement in writer.overlay(plan):
        session.execute(statement)


def land(session: Session, step: Step, data: Sequence[Statement], record: Sequence[Statement]) -> None:
    """Change data and record together; those of a file of their own first, because they can be changed again."""
    if step.is_internal and data:
        session.transaction(data)
        session.transaction(record)
    else:
        session.transaction([*data, *record])


class Filling:
    """The batches of one plan, in order; `largest` is the size in days that is known to fit into memory."""

    def __init__(self, session: Session, step: Step, writer: BatchWriter, plan: BatchPlan, bench: Workbench) -> None:
        self._session = session
        self._step = step
        self._writer = writer
        self._plan = plan
        self._bench = bench
        self._largest: int | None = None
        self._left = list(reversed(plan.batches))
        self._ended = 0

    def run(self) -> None:
        """Compute all of them."""
        while self._left:
            batch = self._left.pop()
            if self._largest is not None and length(batch) > self._largest and (parts := halves(batch)):
                self._left += reversed(parts)
                continue
            try:
                self._compute(batch)
            except OutOfMemory as error:
                self._split(batch, error)
            except Cancelled:
                raise
            except EngineError:
                self._record(batch, (), StagedStatus.FAILED, 0.0)
                raise

    def _compute(self, batch: Batch) -> None:
        """One batch, tried again while that may help."""
        clock, patience, attempt = self._bench.clock, self._bench.patience, 1
        while True:
            began = clock.seconds()
            try:
                self._record(batch, self._writer.insert(batch), StagedStatus.DONE, began)
                break
            except Transient as error:
                if attempt >= patience.attempts:
                    raise
                pause = patience.pause(attempt)
                self._bench.emit(BatchRetried(self._step.key, batch, attempt, pause, error.message))
                patience.sleep(pause)
                attempt += 1
        rows = int(self._session.query(self._writer.count(batch)).rows[0][0])
        self._ended += 1
        total = self._ended + len(self._left)
        self._bench.emit(BatchFinished(self._step.key, batch, self._ended, total, rows, clock.seconds() - began))

    def _record(self, batch: Batch, data: Sequence[Statement], status: StagedStatus, began: float) -> None:
        bench = self._bench
        seconds = bench.clock.seconds() - began if data else 0.0
        record = bench.tables.ledger.batch_ended(bench.run, self._plan, batch, status, bench.clock.now(), seconds)
        land(self._session, self._step, data, record)

    def _split(self, batch: Batch, error: OutOfMemory) -> None:
        parts = halves(batch)
        if parts is None:
            self._record(batch, (), StagedStatus.FAILED, 0.0)
            raise OutOfMemory(
                f"the single day {batch.start:%Y-%m-%d} does not fit into memory: {error.message}",
                error.hint,
            ) from error
        self._largest = max(map(length, parts))
        self._left += reversed(parts)
        self._bench.emit(BatchSplit(self._step.key, batch, parts, error.message))
