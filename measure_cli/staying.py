"""What a run need not do: relations stay whose inputs came out as published, and audits that have seen it all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from measure_cli.batches import BatchPlan
from measure_cli.batching import Workbench
from measure_cli.errors import Cancelled, EngineError
from measure_cli.ports import Session
from measure_cli.publishing import Outcome
from measure_cli.results import StepResult, StepStatus
from measure_cli.steps import Step
from measure_cli.types import AuditStep

IsSame = Callable[[str], bool]
"""Whether a relation came out of the run as it is published, or has no part in it."""


def may_stay(step: Step, is_same: IsSame) -> bool:
    """Whether a relation is what it would be built as."""
    return step.standing is not None and step.standing.stays and all(map(is_same, step.after))


def stay(session: Session, step: Step, audits: Sequence[AuditStep], is_same: IsSame, bench: Workbench) -> Outcome:
    """Leave a relation as it is; who reads it in the run, as audits may, finds the published rows.

    Raises:
        EngineError: they cannot be shown.
    """
    standing = step.standing
    assert standing is not None
    remember_days(step, bench)
    if standing.is_read or any(not is_answered(step, audit, is_same) for audit in audits):
        bench.tried(step.key, lambda: session.execute(standing.show))
    result = StepResult(step.key, step.kind, StepStatus.UNCHANGED, standing.rows)
    return Outcome(step, result, is_staged=True, is_same=True, has_stayed=True)


def came_out_same(session: Session, step: Step, rows: int | None, plan: BatchPlan | None, bench: Workbench) -> bool:
    """Whether what was staged is what is published, as far as anybody wants to know."""
    standing = step.standing
    if standing is None:
        return False
    if plan is not None and step.batches is not None and not step.batches.is_whole:
        return plan.is_same
    if is_content_same(session, step, rows, bench):
        remember_days(step, bench)
        return True
    return False


def remember_days(step: Step, bench: Workbench) -> None:
    """Nobody need ask for the days of a relation that is what it was."""
    if step.standing is not None and step.standing.days is not None:
        bench.seen.found[step.key] = step.standing.days


def is_content_same(session: Session, step: Step, rows: int | None, bench: Workbench) -> bool:
    """Whether a relation that was built whole has the rows that are published."""
    standing = step.standing
    if standing is None or not standing.is_read or not standing.content or rows is None or rows != standing.rows:
        return False
    try:
        staged, published = bench.tried(
            step.key, lambda: [session.query(query).rows for query in standing.content], "its comparison"
        )
    except Cancelled:
        raise
    except EngineError:  # somebody changed the published relation, which is replaced
        return False
    return staged == published


def is_answered(step: Step, audit: AuditStep, is_same: IsSame) -> bool:
    """Whether an audit of a relation that came out the same would find what it found when that was published."""
    return step.standing is not None and step.standing.is_audited and all(map(is_same, audit.reads))


def due(outcome: Outcome, audits: Sequence[AuditStep], is_same: IsSame) -> list[AuditStep]:
    """Those of some audits that are to be run; what the others found is kept in mind."""
    if not outcome.is_same:
        return list(audits)
    answered = [audit for audit in audits if is_answered(outcome.step, audit, is_same)]
    assert outcome.step.standing is not None
    outcome.clean += tuple(
        (audit.spec.name, audit.parts.identity)
        for audit in answered
        if audit.parts and audit.parts.identity and audit.spec.name in outcome.step.standing.clean
    )
    return [audit for audit in audits if audit not in answered]
