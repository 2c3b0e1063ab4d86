"""What a run tells while it goes on. Views subscribe; nothing below them prints.

    Notice* -> PlanBuilt -> (StepStarted -> AuditFinished* -> StepFinished)* -> RunFinished

A step that is skipped finishes without having started. Audits that compare relations built apart come after all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from measure_cli.results import AuditResult, RunResult, StepResult
from measure_cli.types import Plan


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a user should know that is no failure."""

    text: str


@dataclass(frozen=True, slots=True)
class PlanBuilt:
    """The work of the run is known."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A relation is being built."""

    name: str


@dataclass(frozen=True, slots=True)
class AuditFinished:
    """An audit of a relation has its verdict."""

    result: AuditResult


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A relation is staged and audited, or failed, or was skipped."""

    result: StepResult


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over and recorded."""

    result: RunResult


RunEvent = Notice | PlanBuilt | StepStarted | AuditFinished | StepFinished | RunFinished
Emit = Callable[[RunEvent], None]
