"""The audits of a run that look at relations which are built elsewhere in it, and the verdict on what was audited.

Those of what a refresh replaces look at some days only, and begin when all is there that they read and a thread is
free. Those of whole relations wait for the end: beside what is still being built they might not fit into memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from measure_cli.auditing import run_audit
from measure_cli.batches import BatchPlan
from measure_cli.batching import Workbench
from measure_cli.events import AuditFinished
from measure_cli.publishing import Outcome, good
from measure_cli.results import AuditResult, AuditStatus, StepResult, StepStatus
from measure_cli.staying import IsSame, due, is_answered
from measure_cli.types import AuditStep
from measure_cli.workers import join


class Comparisons:
    """Runs each of these audits once; `outcomes` is the state of the run, which goes on meanwhile."""

    def __init__(
        self, outcomes: Mapping[str, Outcome], is_same: IsSame, pool: ThreadPoolExecutor, bench: Workbench
    ) -> None:
        self._outcomes = outcomes
        self._is_same = is_same
        self._pool = pool
        self._bench = bench
        self._begun: dict[int, Future[AuditResult]] = {}  # by the id of the audit, of which a plan has one

    def begin(self, free: int) -> None:
        """Begin some that need not wait, if so many threads have nothing to build."""
        free -= sum(not future.done() for future in self._begun.values())
        for outcome in self._outcomes.values():
            for audit in outcome.deferred if looks_at_parts(outcome) else ():
                if free > 0 and audit.parts and id(audit) not in self._begun and self._may_begin(outcome, audit):
                    self._submitted(audit, outcome.plan)
                    free -= 1

    def _may_begin(self, outcome: Outcome, audit: AuditStep) -> bool:
        read = [self._outcomes[key] for key in audit.reads if key in self._outcomes]
        is_there = all(other.result and other.is_staged for other in read)
        return is_there and not (outcome.is_same and is_answered(outcome.step, audit, self._is_same))

    def _submitted(self, audit: AuditStep, plan: BatchPlan | None) -> Future[AuditResult]:
        bench = self._bench

        def run() -> AuditResult:
            return run_audit(bench.sessions.mine(), audit, bench.clock, bench.patience, bench.emit, plan)

        if id(audit) not in self._begun:
            self._begun[id(audit)] = self._pool.submit(run)
        return self._begun[id(audit)]

    def finish(self) -> None:
        """Everything is built: run those that are left, and judge what they are about."""
        asked: dict[str, list[Future[AuditResult]]] = {}
        for key, outcome in self._outcomes.items():
            left = due(outcome, outcome.deferred, self._is_same) if good(outcome) else []
            if missing := self._missing(left):
                assert outcome.result is not None
                reason = f"cannot be audited: {missing} failed"
                outcome.result = replace(outcome.result, status=StepStatus.HELD, reason=reason)
            else:
                asked[key] = [self._submitted(audit, outcome.plan) for audit in left]
        for key, futures in asked.items():
            outcome, results = self._outcomes[key], tuple(join(future) for future in futures)
            for result in results:
                self._bench.emit(AuditFinished(result))
            outcome.audits += results
            outcome.result = judged(outcome, results) if results else outcome.result
        for future in self._begun.values():  # nobody has asked for those of what is held
            join(future)

    def _missing(self, audits: Sequence[AuditStep]) -> str | None:
        read = (key for audit in audits for key in audit.reads if key in self._outcomes)
        return next((key for key in read if not self._outcomes[key].is_staged), None)


def looks_at_parts(outcome: Outcome) -> bool:
    """Whether audits of a relation look at what a refresh has replaced, and nowhere else."""
    return good(outcome) and outcome.plan is not None and not outcome.plan.is_full


def judged(outcome: Outcome, audits: Sequence[AuditResult], seconds: float | None = None) -> StepResult:
    """The result of a step that went well, after some audits."""
    assert outcome.result is not None
    failed = [audit.name for audit in audits if audit.status in (AuditStatus.FAIL, AuditStatus.ERROR)]
    result = outcome.result if seconds is None else replace(outcome.result, seconds=seconds)
    return replace(result, status=StepStatus.FAILED, reason=f"audit failed: {', '.join(failed)}") if failed else result
