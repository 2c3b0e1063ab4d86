"""The one loop that runs a plan: stage, audit, publish.

Every relation is built beside its published version and audited there. What passed is published at the end together
with the ledger, in one transaction where the engine has such; what failed keeps its old version, and so does
everything that reads it. Statements run in worker threads, so that a signal in the main thread can cancel them.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial

from measure_cli.auditing import run_audit
from measure_cli.batching import SeenDays, Workbench, fill_stage, plan_of
from measure_cli.comparing import Comparisons, judged
from measure_cli.errors import EngineError, Interrupted
from measure_cli.events import AuditFinished, Emit, RunFinished, StepFinished, StepStarted
from measure_cli.patience import ATTEMPTS, Patience
from measure_cli.ports import Engine, Session
from measure_cli.publishing import Outcome, Recorder, discard, good, publish, tidy
from measure_cli.results import RunResult, StepResult, StepStatus
from measure_cli.staying import IsSame, came_out_same, due, may_stay, stay
from measure_cli.steps import Plan, Step
from measure_cli.types import Load
from measure_cli.workers import join, one_at_a_time, worker_pool

GOOD = (StepStatus.BUILT, StepStatus.UNCHANGED, StepStatus.ABSENT)


def run_build(
    plan: Plan,
    engine: Engine,
    run: RunResult,
    recorder: Recorder,
    emit: Emit,
    workers: int,
    attempts: int = ATTEMPTS,
    threads: int = 1,
) -> RunResult:
    """Execute a plan and record it. The result holds every relation and audit of the run.

    Args:
        plan: What to do.
        engine: Where to.
        run: What is known of the run.
        recorder: Keeps the record.
        emit: Is told how it goes on.
        workers: How many relations are built side by side.
        attempts: How often something is tried that failed in a way that may pass.
        threads: How many batches of one relation are computed side by side.

    Raises:
        Interrupted: a signal arrived; nothing was published, staged relations are gone.
        EngineError: the state tables or the publication failed; nothing was published.
    """
    clock, tables, emit = recorder.clock, recorder.tables, one_at_a_time(emit)
    began = clock.seconds()
    outcomes = {step.key: Outcome(step) for step in plan.steps}
    with finishing_session(engine) as session:
        session.transaction([*tables.create, *tables.run_started(run, clock.now(), recorder.version)])
        try:
            prepare(session, plan)
            with worker_pool(engine, workers, threads - 1) as (pool, sessions):
                patience = Patience(attempts, sessions.pause, random.random)
                bench = Workbench(run, tables, clock, patience, emit, SeenDays(), sessions)
                is_same = partial(has_come_out_same, outcomes)
                comparisons = Comparisons(outcomes, is_same, pool, bench)
                build_all(plan, outcomes, is_same, pool, bench, lambda busy: comparisons.begin(workers - busy))
                comparisons.finish()
                finished = None
                while finished is None:
                    hold_back(outcomes)
                    result = finish(plan, run, outcomes, clock.seconds() - began)
                    tried = partial(bench.tried, "the publication")
                    done = pool.submit(publish, sessions.mine, outcomes, result, recorder, tried)
                    finished = result if published(done, outcomes, emit) else None
        except BaseException as error:
            discard(session, plan.steps)
            status = "interrupted" if isinstance(error, Interrupted) else "failed"
            over = replace(run, status=status, seconds=clock.seconds() - began)
            with contextlib.suppress(EngineError):
                session.execute(tables.run_finished(over, clock.now()))
            raise
        tidy(session, outcomes)
    emit(RunFinished(finished))
    return finished


@contextlib.contextmanager
def finishing_session(engine: Engine) -> Iterator[Session]:
    """A session of the main thread for state and clean-up."""
    session = engine.session()
    try:
        yield session
    finally:
        session.close()


def prepare(session: Session, plan: Plan) -> None:
    """Remove what a killed run left staged; make the schemas."""
    for statement in (*plan.leftovers, *plan.schemas):  # one by one: a transaction writes to one file only
        session.execute(statement)


def published(future: Future[None], outcomes: Mapping[str, Outcome], emit: Emit) -> bool:
    """Wait for a publication. A relation whose own statement failed in it has failed; the rest is tried again.

    Raises:
        EngineError: the publication failed, and no relation is to blame.
    """
    try:
        join_whatever_comes(future)
    except EngineError as error:
        for outcome in outcomes.values():
            if outcome.result and good(outcome) and any(error.statement is own for own in outcome.publish):
                settle(outcome, replace(outcome.result, status=StepStatus.FAILED, reason=str(error)), emit)
                return False
        raise
    return True


def join_whatever_comes(future: Future[None]) -> None:
    """Wait for a step too short and too important to be cancelled: a signal that arrives meanwhile comes too late."""
    try:
        join(future)
    except Interrupted:
        join(future)


def build_all(
    plan: Plan,
    outcomes: dict[str, Outcome],
    is_same: IsSame,
    pool: ThreadPoolExecutor,
    bench: Workbench,
    go_on: Callable[[int], None],
) -> None:
    """Build every step as soon as what it reads is there; skip what reads a failed one.

    `go_on` is called with the number of steps that are being built, whenever there is something new.
    """
    emit = bench.emit
    waiting = {step.key: step for step in plan.steps}
    ancestors = ancestors_of(plan.steps)
    running: dict[Future[Outcome], str] = {}
    while waiting or running:
        for key, step in list(waiting.items()):
            parents = [outcomes[parent].result for parent in step.after]
            if bad := next((parent for parent in parents if parent and parent.status not in GOOD), None):
                del waiting[key]
                settle(outcomes[key], skipped(step, bad.name), emit)
            elif all(parents):
                del waiting[key]
                emit(StepStarted(key))
                running[pool.submit(build_step, step, ancestors[key], bench, is_same)] = key
        if not running:
            continue
        go_on(len(running))
        for future in wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done:
            key = running.pop(future)
            outcome = future.result()
            outcomes[key] = replace(outcome, result=None)
            for audit in outcome.audits:
                emit(AuditFinished(audit))
            assert outcome.result is not None
            settle(outcomes[key], outcome.result, emit)


def settle(outcome: Outcome, result: StepResult, emit: Emit) -> None:
    """A step has its result."""
    outcome.result = result
    emit(StepFinished(result))


def skipped(step: Step, because: str) -> StepResult:
    """The result of a step whose input is bad."""
    return StepResult(step.key, step.kind, StepStatus.SKIPPED, reason=f"{because} failed")


def ancestors_of(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """For each step the steps it needs, directly or not."""
    result: dict[str, frozenset[str]] = {}
    for step in steps:
        result[step.key] = frozenset(step.after).union(*(result[parent] for parent in step.after))
    return result


def has_come_out_same(outcomes: Mapping[str, Outcome], key: str) -> bool:
    """Whether a relation is known to be what is published; those that the run does not build are."""
    return key not in outcomes or outcomes[key].is_same


def build_step(step: Step, ancestors: frozenset[str], bench: Workbench, is_same: IsSame) -> Outcome:
    """Stage one relation, or leave it, and run the audits that only look at it and at what it was made from."""
    session, clock = bench.sessions.mine(), bench.clock
    began = clock.seconds()
    try:
        if may_stay(step, is_same):
            outcome = stay(session, step, step.audits, is_same, bench)
        else:
            outcome = stage(session, step, bench)
    except EngineError as error:
        failed = StepResult(step.key, step.kind, StepStatus.FAILED, None, clock.seconds() - began, str(error))
        return Outcome(step, failed)
    local = [audit for audit in step.audits if ancestors.issuperset(audit.reads)]
    outcome.deferred = tuple(audit for audit in step.audits if audit not in local)
    outcome.audits = tuple(
        run_audit(session, audit, clock, bench.patience, bench.emit, outcome.plan)
        for audit in due(outcome, local, is_same)
    )
    outcome.result = judged(outcome, outcome.audits, clock.seconds() - began)
    return outcome


def stage(session: Session, step: Step, bench: Workbench) -> Outcome:
    """Make a relation beside its published version.

    Raises:
        EngineError: it cannot be made.
    """
    bench.tried(step.key, lambda: create(session, step))
    plan, batches = None, None
    if step.batches is not None:
        plan = plan_of(session, step.key, step.batches, bench)
        if not step.batches.is_whole:
            plan = fill_stage(session, step, step.batches, plan, bench)
            batches = len(plan.batches)
    count = (step.batches.overlay(plan).rows() if step.batches and plan else None) or step.count
    rows = bench.tried(step.key, lambda: session.query(count)).rows[0][0] if count else None
    result = StepResult(step.key, step.kind, StepStatus.BUILT, rows, batches=batches)
    return Outcome(step, result, is_staged=True, is_same=came_out_same(session, step, rows, plan, bench), plan=plan)


def create(session: Session, step: Step) -> None:
    """Run the statements of a step from the first one: it makes a table anew, whatever an earlier attempt left."""
    for statement in step.create:
        if isinstance(statement, Load):
            session.load(statement)
        else:
            session.execute(statement)


def hold_back(outcomes: dict[str, Outcome]) -> None:
    """Keep the old version of what cannot be published without something that failed.

    A view serves what its tables hold: when a published view fails, its tables keep their old version, and so does
    what reads them.
    """
    changed = True
    while changed:
        changed = False
        for outcome in outcomes.values():
            result, step = outcome.result, outcome.step
            assert result is not None
            if good(outcome):
                relied_on = (*step.after, *(key for audit in step.audits for key in audit.reads))
                bad = next((key for key in relied_on if key in outcomes and not good(outcomes[key])), None)
                if bad:
                    outcome.result = replace(result, status=StepStatus.HELD, reason=f"{bad} was not published")
                    changed = True
                continue
            for table in step.serves:
                shown = outcomes[table]
                if shown.result and good(shown):
                    shown.result = replace(
                        shown.result, status=StepStatus.HELD, reason=f"the view {step.key} on it failed"
                    )
                    changed = True


def finish(plan: Plan, run: RunResult, outcomes: Mapping[str, Outcome], seconds: float) -> RunResult:
    """The run's result: everything built, failed, unchanged, absent."""
    built = [outcome.result for outcome in outcomes.values() if outcome.result]
    failed = any(result.status not in GOOD for result in built)
    audits = tuple(audit for outcome in outcomes.values() for audit in outcome.audits)
    models = (*built, *plan.idle)
    return replace(run, status="failed" if failed else "success", models=models, audits=audits, seconds=seconds)
