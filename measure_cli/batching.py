"""Builds one incremental model batch by batch: what is stale, each batch in one transaction with its record.

Several threads may share the batches. What is too large for memory is halved down to a day, what may succeed when it is
sent again is retried, anything else ends the model. What is in the stage stays there when a run ends early, and the
next run goes on from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from measure_cli.batch_queue import BatchQueue
from measure_cli.batches import BatchPlan, BatchWriter, DayQueries, Days, StagedStatus, days_of, halves, sum_of
from measure_cli.errors import Cancelled, EngineError, OutOfMemory
from measure_cli.events import (
    BatchCrowded,
    BatchesPlanned,
    BatchFinished,
    BatchRetried,
    BatchSplit,
    Emit,
    Notice,
    telling,
)
from measure_cli.patience import Patience
from measure_cli.ports import Session
from measure_cli.results import RunResult
from measure_cli.state import StateTables
from measure_cli.steps import Step
from measure_cli.types import Batch, Statement
from measure_cli.workers import Clock, Sessions

T = TypeVar("T")


@dataclass(slots=True)
class SeenDays:
    """The inputs that models of this run have asked about: each is asked once, whoever comes first.

    `files` are the days of files, by relation and part; of relations that the run has built by batches, `after` says
    what need not be asked.
    """

    found: dict[str, Days] = field(default_factory=dict)
    files: dict[str, Mapping[str, Days]] = field(default_factory=dict)
    after: dict[str, DayQueries] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    def of(self, session: Session, queries: Mapping[str, DayQueries]) -> Mapping[str, Days]:
        """The days of some relations."""
        for relation, query in queries.items():
            with self._lock:
                lock = self._locks.setdefault(relation, threading.Lock())
            with lock:
                if relation not in self.found:
                    parts = ask(session, self.after.get(relation, query))
                    self.files |= {relation: parts} if query.are_files else {}
                    self.found[relation] = sum_of(parts.values())
        return {relation: self.found[relation] for relation in queries}


def ask(session: Session, queries: DayQueries) -> Mapping[str, Days]:
    """The days of every part of a relation."""
    return {**queries.known, **{part: days_of(session.query(query)) for part, query in queries.asked.items()}}


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the batches of a run share; `sessions` has the threads that help with them."""

    run: RunResult
    tables: StateTables
    clock: Clock
    patience: Patience
    emit: Emit
    seen: SeenDays
    sessions: Sessions

    def tried(self, name: str, action: Callable[[], T], part: str = "") -> T:
        """What an action returns; it is tried again while that may help."""
        return self.patience.tried(action, telling(self.emit, name, part))


def plan_of(session: Session, name: str, writer: BatchWriter, bench: Workbench) -> BatchPlan:
    """What is stale in a model, now that its inputs are built."""
    plan = writer.plan(bench.tried(name, lambda: bench.seen.of(session, writer.day_queries()), "its inputs"))
    plan = replace(plan, seen=tuple(replace(one, parts=bench.seen.files.get(one.relation, {})) for one in plan.seen))
    for notice in plan.notices:
        bench.emit(Notice(notice))
    if not writer.is_whole:
        bench.emit(BatchesPlanned(plan))
    return plan


def fill_stage(session: Session, step: Step, writer: BatchWriter, plan: BatchPlan, bench: Workbench) -> BatchPlan:
    """Compute every batch of a plan, then make the relation readable to the run.

    Returns:
        The plan with the batches that were computed: those that had to be cut, in parts.

    Raises:
        EngineError: a batch failed for good; those before it stay in the stage.
    """
    planned = bench.tables.waiting.planned(bench.run, plan, bench.clock.now())
    bench.tried(step.key, lambda: land(session, step, writer.open(plan), planned), "its stage")
    computed = Filling(step, writer, plan, bench).run()
    plan = compared(session, step.key, writer, plan, bench)
    overlay = writer.overlay(plan)
    bench.tried(step.key, lambda: session.execute(overlay.view()))
    if after := overlay.days_after():
        bench.seen.after[step.key] = after
    return replace(plan, batches=computed)


def compared(session: Session, name: str, writer: BatchWriter, plan: BatchPlan, bench: Workbench) -> BatchPlan:
    """The plan with the months marked that came out as they are published."""
    queries = writer.overlay(plan).comparison()
    if queries is None:
        return plan
    staged, replaced = bench.tried(name, lambda: [days_of(session.query(query)) for query in queries], "its comparison")
    differing = {plan.built_on(day) for day in staged.keys() | replaced.keys() if staged.get(day) != replaced.get(day)}
    return replace(plan, months=tuple(replace(month, is_same=month not in differing) for month in plan.months))


def land(session: Session, step: Step, data: Sequence[Statement], record: Sequence[Statement]) -> int | None:
    """Change data and record together; those of a file of their own first, because they can be changed again.

    Returns the rows that the last statement on data inserted, as far as the engine tells.
    """
    if step.is_internal and data:
        inserted = session.transaction(data)
        session.transaction(record)
    else:
        inserted = session.transaction([*data, *record])
    return inserted[len(data) - 1] if inserted and data else None


class Filling:
    """The batches of one plan, computed by the calling thread and by those that help."""

    def __init__(self, step: Step, writer: BatchWriter, plan: BatchPlan, bench: Workbench) -> None:
        self._step = step
        self._writer = writer
        self._plan = plan
        self._bench = bench
        self._began = bench.clock.seconds()
        self._queue = BatchQueue(plan.batches, bench.sessions.hands + 1)
        self._telling = threading.Lock()

    def run(self) -> tuple[Batch, ...]:
        """Compute all of them."""
        if len(self._plan.batches) > 1:
            self._bench.sessions.help(self._work)
        self._work()
        return self._queue.wait()

    def _work(self) -> None:
        batch = None
        try:
            while batch := self._queue.take():
                self._advance(self._bench.sessions.mine(), batch)
        except BaseException as error:  # `run` raises it
            self._queue.fail(batch, error)

    def _advance(self, session: Session, batch: Batch) -> None:
        if parts := self._queue.parts_of(batch):
            self._cut(session, batch, parts, is_too_large=False)
            return
        try:
            self._compute(session, batch)
        except OutOfMemory as error:
            self._lighten(session, batch, error)
        except Cancelled:
            raise
        except EngineError as error:
            self._fail(session, batch, error)

    def _compute(self, session: Session, batch: Batch) -> None:
        """One batch, tried again while that may help."""
        clock, bench, key = self._bench.clock, self._bench, self._step.key
        may_be_there = bool(self._plan.done) or self._queue.is_touched(batch)

        def attempt() -> tuple[float, int | None]:
            nonlocal may_be_there
            began, replaces, may_be_there = clock.seconds(), may_be_there, True
            data = self._writer.insert(batch, replaces)
            return began, self._record(session, batch, data, StagedStatus.DONE, began)

        def tell(failed: int, pause: float, cause: str) -> None:
            bench.emit(BatchRetried(key, batch, failed, pause, cause))

        began, rows = bench.patience.tried(attempt, tell)
        if rows is None:
            rows = int(bench.patience.tried(lambda: session.query(self._writer.count(batch)), tell).rows[0][0])
        ended = clock.seconds()
        with self._telling:
            number, total = self._queue.finish(batch)
            bench.emit(BatchFinished(key, batch, number, total, rows, ended - began, ended - self._began))

    def _record(
        self, session: Session, batch: Batch, data: Sequence[Statement], status: StagedStatus, began: float
    ) -> int | None:
        bench = self._bench
        seconds = bench.clock.seconds() - began if data else 0.0
        record = bench.tables.waiting.ended(bench.run, self._plan, batch, status, bench.clock.now(), seconds)
        return land(session, self._step, data, record)

    def _fail(self, session: Session, batch: Batch, error: EngineError) -> None:
        """The end of the model: nothing more is begun, and the next refresh knows why."""
        self._queue.fail(None, error)
        self._record(session, batch, (), StagedStatus.FAILED, 0.0)
        raise error

    def _lighten(self, session: Session, batch: Batch, error: OutOfMemory) -> None:
        """Out of memory: if others ran at the same time, it may have been their sum; then alone, then in parts."""
        if at_once := self._queue.retry_alone(batch):
            self._bench.emit(BatchCrowded(self._step.key, batch, at_once, error.message))
            return
        parts = halves(batch)
        if parts is None:
            text = f"the single day {batch.start:%Y-%m-%d} does not fit into memory: {error.message}"
            self._fail(session, batch, OutOfMemory(text, error.hint))
            return
        self._bench.emit(BatchSplit(self._step.key, batch, parts, error.message))
        self._cut(session, batch, parts, is_too_large=True)

    def _cut(self, session: Session, batch: Batch, parts: Sequence[Batch], is_too_large: bool) -> None:
        bench = self._bench
        record = bench.tables.waiting.cut(bench.run, self._plan, batch, parts, bench.clock.now())
        bench.tried(self._step.key, lambda: session.transaction(record), "its record")
        self._queue.cut(batch, parts, is_too_large)
