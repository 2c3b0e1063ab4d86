"""The one loop that runs a plan: stage, audit, publish.

Every relation is built beside its published version and audited there. What passed is published at the end together
with the ledger, in one transaction where the engine has such; what failed keeps its old version, and so does
everything that reads it. Statements run in worker threads, so that a signal in the main thread can cancel them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from measure_cli.auditing import run_audit
from measure_cli.errors import EngineError, Interrupted, MeasureError
from measure_cli.events import AuditFinished, Emit, RunFinished, StepFinished, StepStarted
from measure_cli.ports import Engine, Session
from measure_cli.results import AuditResult, AuditStatus, RunResult, StepResult, StepStatus
from measure_cli.state import StateTables
from measure_cli.types import AuditStep, Load, Plan, Step
from measure_cli.workers import Clock, Sessions, join, worker_pool

GOOD = (StepStatus.BUILT, StepStatus.UNCHANGED, StepStatus.ABSENT)


@dataclass(slots=True)
class Outcome:
    """What is known of a step while the run goes on."""

    step: Step
    result: StepResult | None = None
    audits: tuple[AuditResult, ...] = ()
    deferred: tuple[AuditStep, ...] = ()
    is_staged: bool = False
    is_swapped: bool = False


@dataclass(frozen=True, slots=True)
class Recorder:
    """What a run needs to publish and to record: where, when, and whether it can do both at once."""

    tables: StateTables
    clock: Clock
    version: str
    is_transactional: bool


def run_build(plan: Plan, engine: Engine, run: RunResult, recorder: Recorder, emit: Emit, workers: int) -> RunResult:
    """Execute a plan and record it. The result holds every relation and audit of the run.

    Raises:
        Interrupted: a signal arrived; nothing was published, staged relations are gone.
        EngineError: the state tables or the publication failed; nothing was published.
    """
    clock, tables = recorder.clock, recorder.tables
    began = clock.seconds()
    outcomes = {step.key: Outcome(step) for step in plan.steps}
    with finishing_session(engine) as session:
        session.transaction([*tables.create, *tables.run_started(run, clock.now(), recorder.version)])
        try:
            prepare(session, plan)
            with worker_pool(engine, workers) as (pool, sessions):
                build_all(plan, outcomes, pool, sessions, clock, emit)
                audit_across(outcomes, pool, sessions, clock, emit)
                finished = None
                while finished is None:
                    hold_back(outcomes)
                    result = finish(plan, run, outcomes, clock.seconds() - began)
                    done = pool.submit(publish, sessions.mine, outcomes, result, recorder)
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
            if outcome.result and good(outcome) and any(error.statement is own for own in outcome.step.publish):
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
    plan: Plan, outcomes: dict[str, Outcome], pool: ThreadPoolExecutor, sessions: Sessions, clock: Clock, emit: Emit
) -> None:
    """Build every step as soon as what it reads is there; skip what reads a failed one."""
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
                running[pool.submit(build_step, sessions.mine, step, ancestors[key], clock)] = key
        if not running:
            continue
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


def build_step(session_of: Callable[[], Session], step: Step, ancestors: frozenset[str], clock: Clock) -> Outcome:
    """Stage one relation and run the audits that only look at it and at what it was made from."""
    session, began = session_of(), clock.seconds()
    try:
        for statement in step.create:
            if isinstance(statement, Load):
                session.load(statement)
            else:
                session.execute(statement)
        rows = session.query(step.count).rows[0][0] if step.count else None
    except EngineError as error:
        return Outcome(
            step, StepResult(step.key, step.kind, StepStatus.FAILED, None, clock.seconds() - began, str(error))
        )
    local = [audit for audit in step.audits if ancestors.issuperset(audit.reads)]
    audits = tuple(run_audit(session, audit, clock) for audit in local)
    status, reason = verdict(audits)
    result = StepResult(step.key, step.kind, status, rows, clock.seconds() - began, reason)
    deferred = tuple(audit for audit in step.audits if audit not in local)
    return Outcome(step, result, audits, deferred, is_staged=True)


def verdict(audits: Sequence[AuditResult]) -> tuple[StepStatus, str | None]:
    """Status of a relation by its audits."""
    failed = [audit.name for audit in audits if audit.status in (AuditStatus.FAIL, AuditStatus.ERROR)]
    if not failed:
        return StepStatus.BUILT, None
    return StepStatus.FAILED, f"audit failed: {', '.join(failed)}"


def audit_across(
    outcomes: dict[str, Outcome], pool: ThreadPoolExecutor, sessions: Sessions, clock: Clock, emit: Emit
) -> None:
    """Run the audits that compare with relations built elsewhere in the run."""

    def run(audit: AuditStep) -> AuditResult:
        return run_audit(sessions.mine(), audit, clock)

    for outcome in outcomes.values():
        left = outcome.deferred
        if not left or outcome.result is None or outcome.result.status is not StepStatus.BUILT:
            continue
        broken = [key for audit in left for key in audit.reads if key in outcomes and not outcomes[key].is_staged]
        if broken:
            outcome.result = replace(
                outcome.result, status=StepStatus.HELD, reason=f"cannot be audited: {broken[0]} failed"
            )
            continue
        results = tuple(join(future) for future in [pool.submit(run, audit) for audit in left])
        for result in results:
            emit(AuditFinished(result))
        outcome.audits += results
        status, reason = verdict(results)
        outcome.result = replace(outcome.result, status=status, reason=reason)


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
            if result.status is StepStatus.BUILT:
                relied_on = (*step.after, *(key for audit in step.audits for key in audit.reads))
                bad = next((key for key in relied_on if key in outcomes and not good(outcomes[key])), None)
                if bad:
                    outcome.result = replace(result, status=StepStatus.HELD, reason=f"{bad} was not published")
                    changed = True
                continue
            for table in step.serves:
                shown = outcomes[table]
                if shown.result and shown.result.status is StepStatus.BUILT:
                    shown.result = replace(
                        shown.result, status=StepStatus.HELD, reason=f"the view {step.key} on it failed"
                    )
                    changed = True


def good(outcome: Outcome) -> bool:
    """Whether a step's relation will be published."""
    return outcome.result is not None and outcome.result.status is StepStatus.BUILT


def finish(plan: Plan, run: RunResult, outcomes: Mapping[str, Outcome], seconds: float) -> RunResult:
    """The run's result: everything built, failed, unchanged, absent."""
    built = [outcome.result for outcome in outcomes.values() if outcome.result]
    failed = any(result.status not in GOOD for result in built)
    audits = tuple(audit for outcome in outcomes.values() for audit in outcome.audits)
    models = (*built, *plan.idle)
    return replace(run, status="failed" if failed else "success", models=models, audits=audits, seconds=seconds)


def publish(
    session_of: Callable[[], Session], outcomes: Mapping[str, Outcome], run: RunResult, recorder: Recorder
) -> None:
    """Swap in every good relation and record the run, in one transaction where the engine has such.

    Where it has none, relations are swapped in one after the other, and those of a file of their own always: until
    the ledger speaks of them the next build makes them again.
    """
    built = [outcome for outcome in outcomes.values() if good(outcome)]
    for group in apart(built, recorder.is_transactional):
        session_of().transaction([statement for outcome in group for statement in outcome.step.publish])
        for outcome in group:
            outcome.is_swapped = True
    now, tables = recorder.clock.now(), recorder.tables
    swaps = [statement for outcome in built if not outcome.is_swapped for statement in outcome.step.publish]
    record = [
        *tables.relations_built(run, [(outcome.step, outcome.result) for outcome in built if outcome.result], now),
        *tables.audit_rows(run, run.audits, now),
        tables.run_finished(run, now),
    ]
    session_of().transaction([*swaps, *record])


def apart(built: Sequence[Outcome], is_transactional: bool) -> list[list[Outcome]]:
    """The groups of relations that are swapped in before the others, less those that are already."""
    left = [outcome for outcome in built if not outcome.is_swapped]
    if not is_transactional:
        return [[outcome] for outcome in left]
    internal = [outcome for outcome in left if outcome.step.is_internal]
    return [internal] if internal else []


def tidy(session: Session, outcomes: Mapping[str, Outcome]) -> None:
    """Drop what was staged and not published, and what publishing left over."""
    for outcome in outcomes.values():
        for statement in outcome.step.tidy if good(outcome) else outcome.step.discard:
            with contextlib.suppress(MeasureError):
                session.execute(statement)


def discard(session: Session, steps: Sequence[Step]) -> None:
    """Drop staged relations; those that were never made are no error."""
    for step in steps:
        for statement in step.discard:
            with contextlib.suppress(MeasureError):
                session.execute(statement)
