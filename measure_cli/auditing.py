"""Runs audits: counts the offending rows, fetches some of them, judges by severity and thresholds."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable, Mapping, Sequence

from measure_cli.audit_scope import Found, at, look
from measure_cli.batches import BatchPlan
from measure_cli.errors import EngineError
from measure_cli.events import AuditFinished, Emit, telling
from measure_cli.kinds import Severity
from measure_cli.patience import ATTEMPTS, Patience
from measure_cli.ports import Engine, Session
from measure_cli.results import AuditResult, AuditStatus, Table
from measure_cli.types import AuditStep, Statement
from measure_cli.workers import Clock, join, one_at_a_time, worker_pool

COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
}  # fmt: skip


def run_audit(
    session: Session, audit: AuditStep, clock: Clock, patience: Patience, emit: Emit, plan: BatchPlan | None = None
) -> AuditResult:
    """Count the offending rows, fetch some of them, judge; what may pass is tried again. `plan`: what was replaced."""
    spec, began = audit.spec, clock.seconds()

    def attempt() -> tuple[Found, AuditStatus, Table | None]:
        found = look(session, audit, plan)
        status = judge(found.failures, spec.severity, spec.warn_if, spec.error_if)
        shown = found.failures and status is not AuditStatus.PASS
        sample = session.query(statement) if shown and (statement := sample_of(audit, found)) else None
        for statement in () if found.only else audit.keep_none if found.is_clean else audit.keep:
            session.execute(statement)
        return found, status, sample

    try:
        found, status, sample = patience.tried(attempt, telling(emit, audit.model, f"audit {spec.name}"))
    except EngineError as error:
        return AuditResult(
            audit.model, spec.name, spec.severity, AuditStatus.ERROR, 0, clock.seconds() - began, None, error.message
        )
    message = f"{found.failures:,} offending rows, counted in parts: all do not fit into memory" if found.only else None
    clean = audit.parts.identity if audit.parts and found.is_clean else None
    seconds = clock.seconds() - began
    return AuditResult(audit.model, spec.name, spec.severity, status, found.failures, seconds, sample, message, clean)


def sample_of(audit: AuditStep, found: Found) -> Statement | None:
    """The query of some offending rows: of all, or of an interval that has some."""
    if found.only and audit.parts:
        return audit.parts.sample and at(audit.parts.sample, found.only)
    return audit.sample


def judge(failures: int, severity: Severity, warn_if: str, error_if: str) -> AuditStatus:
    """Verdict on a number of offending rows.

    >>> judge(3, Severity.ERROR, "> 0", "> 10")
    <AuditStatus.WARN: 'warn'>
    """
    if severity is Severity.ERROR and holds(failures, error_if):
        return AuditStatus.FAIL
    return AuditStatus.WARN if holds(failures, warn_if) else AuditStatus.PASS


def holds(number: int, condition: str) -> bool:
    """Whether `number` fulfils a condition such as `> 10`."""
    found = re.fullmatch(r"\s*([<>=!]+)\s*(\d+)\s*", condition)
    assert found is not None, condition
    return COMPARISONS[found.group(1)](number, int(found.group(2)))


def run_audits(
    audits: Sequence[AuditStep], engine: Engine, clock: Clock, emit: Emit, workers: int
) -> tuple[AuditResult, ...]:
    """Run audits over published relations."""
    results, emit = [], one_at_a_time(emit)
    with worker_pool(engine, workers) as (pool, sessions):
        patience = Patience(ATTEMPTS, sessions.pause, random.random)

        def one(audit: AuditStep) -> AuditResult:
            return run_audit(sessions.mine(), audit, clock, patience, emit)

        for future in [pool.submit(one, audit) for audit in audits]:
            results.append(join(future))
            emit(AuditFinished(results[-1]))
    return tuple(results)
