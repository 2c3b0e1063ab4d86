"""Runs audits: counts the offending rows, fetches some of them, judges by severity and thresholds."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence

from measure_cli.errors import EngineError
from measure_cli.events import AuditFinished, Emit
from measure_cli.kinds import Severity
from measure_cli.ports import Engine, Session
from measure_cli.results import AuditResult, AuditStatus
from measure_cli.types import AuditStep
from measure_cli.workers import Clock, join, worker_pool

COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
}  # fmt: skip


def run_audit(session: Session, audit: AuditStep, clock: Clock) -> AuditResult:
    """Count the offending rows, fetch some of them, judge."""
    spec, began = audit.spec, clock.seconds()
    try:
        failures = int(session.query(audit.count).rows[0][0])
        status = judge(failures, spec.severity, spec.warn_if, spec.error_if)
        sample = session.query(audit.sample) if audit.sample and failures and status is not AuditStatus.PASS else None
        for statement in audit.keep:
            session.execute(statement)
    except EngineError as error:
        return AuditResult(
            audit.model, spec.name, spec.severity, AuditStatus.ERROR, 0, clock.seconds() - began, None, error.message
        )
    return AuditResult(audit.model, spec.name, spec.severity, status, failures, clock.seconds() - began, sample)


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
    results = []
    with worker_pool(engine, workers) as (pool, sessions):

        def one(audit: AuditStep) -> AuditResult:
            return run_audit(sessions.mine(), audit, clock)

        for future in [pool.submit(one, audit) for audit in audits]:
            results.append(join(future))
            emit(AuditFinished(results[-1]))
    return tuple(results)
