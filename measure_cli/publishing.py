"""The end of a run: what passed is swapped in together with the ledger, what was staged and not published goes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from measure_cli.batches import BatchPlan
from measure_cli.errors import MeasureError
from measure_cli.ledger import Built
from measure_cli.ports import Session
from measure_cli.results import AuditResult, RunResult, StepResult, StepStatus
from measure_cli.state import StateTables
from measure_cli.steps import Step
from measure_cli.types import AuditStep, Statement
from measure_cli.workers import Clock


@dataclass(slots=True)
class Outcome:
    """What is known of a step while the run goes on; `plan` is what was stale in an incremental model.

    `is_same`: the relation came out as it is published; `has_stayed`: it was not even built. `clean` are audits that
    were not run, because they would find nothing, as before.
    """

    step: Step
    result: StepResult | None = None
    audits: tuple[AuditResult, ...] = ()
    deferred: tuple[AuditStep, ...] = ()
    is_staged: bool = False
    is_swapped: bool = False
    is_same: bool = False
    has_stayed: bool = False
    clean: tuple[tuple[str, str], ...] = ()
    plan: BatchPlan | None = None
    publish: tuple[Statement, ...] = ()

    def __post_init__(self) -> None:
        writer = self.step.batches
        by_batches = writer.overlay(self.plan).publish() if writer and self.plan and not writer.is_whole else ()
        self.publish = () if self.has_stayed else (*self.step.publish, *by_batches)


@dataclass(frozen=True, slots=True)
class Recorder:
    """What a run needs to publish and to record: where, when, whether it can do both at once, and do it again."""

    tables: StateTables
    clock: Clock
    version: str
    is_transactional: bool
    is_swap_repeatable: bool


def good(outcome: Outcome) -> bool:
    """Whether a step's relation will be published, or stays."""
    return outcome.result is not None and outcome.result.status in (StepStatus.BUILT, StepStatus.UNCHANGED)


def publish(
    session_of: Callable[[], Session],
    outcomes: Mapping[str, Outcome],
    run: RunResult,
    recorder: Recorder,
    tried: Callable[[Callable[[], object]], object],
) -> None:
    """Swap in every good relation and record the run, in one transaction where the engine has such.

    Where it has none, relations are swapped in one after the other, and those of a file of their own always: the
    ledger doubts them before, and until it answers for them again the next build makes them again. `tried` repeats what
    may be repeated.
    """
    session, tables = session_of(), recorder.tables
    built = [outcome for outcome in outcomes.values() if good(outcome) and not outcome.has_stayed]
    kept = [outcome.step for outcome in outcomes.values() if good(outcome) and outcome.has_stayed]
    groups = apart(built, recorder.is_transactional)
    if groups:
        doubted = tables.ledger.doubted(run.stack, [of(outcome) for group in groups for outcome in group])
        tried(lambda: session.transaction(doubted))
    for group in groups:
        swap = partial(session.transaction, [statement for outcome in group for statement in outcome.publish])
        if recorder.is_swap_repeatable or not any(outcome.step.publish for outcome in group):
            tried(swap)
        else:
            swap()
        for outcome in group:
            outcome.is_swapped = True
    now = recorder.clock.now()
    swaps = [statement for outcome in built if not outcome.is_swapped for statement in outcome.publish]
    record = [
        *tables.ledger.relations_built(run, [of(outcome) for outcome in built], now),
        *tables.ledger.relations_kept(run, kept),
        *tables.audit_rows(run, run.audits, now),
        tables.run_finished(run, now),
    ]
    tried(lambda: session.transaction([*swaps, *record]))


def of(outcome: Outcome) -> Built:
    """A good outcome as it is recorded."""
    assert outcome.result is not None
    is_whole = outcome.step.batches is None or outcome.step.batches.is_whole
    clean = (*((audit.name, audit.clean) for audit in outcome.audits if audit.clean), *outcome.clean)
    return Built(outcome.step, outcome.result, outcome.plan, is_whole, clean)


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
        for statement in left_by(outcome):
            with contextlib.suppress(MeasureError):
                session.execute(statement)


def left_by(outcome: Outcome) -> Sequence[Statement]:
    """What removes that which a step has left."""
    step = outcome.step
    if outcome.has_stayed:
        return (step.standing.hide,) if step.standing else ()
    return step.tidy if good(outcome) else step.discard


def discard(session: Session, steps: Sequence[Step]) -> None:
    """Drop staged relations; those that were never made are no error."""
    for step in steps:
        for statement in (*step.discard, *([step.standing.hide] if step.standing else [])):
            with contextlib.suppress(MeasureError):
                session.execute(statement)
