"""What a run tells while it goes on. Views subscribe; nothing below them prints.

    Notice* -> PlanBuilt -> (StepStarted -> Batches -> AuditFinished* -> StepFinished)* -> RunFinished
    Batches: nothing, or BatchesPlanned -> (BatchRetried* -> BatchFinished | BatchCrowded | BatchSplit)*

Batches are told by the threads that compute them, one event at a time and their numbers in order; so is what is tried
again (Retried).

A step that is skipped finishes without having started. Audits that compare relations built apart come after all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from measure_cli.batches import BatchPlan
from measure_cli.results import AuditResult, RunResult, StepResult
from measure_cli.steps import Plan
from measure_cli.types import Batch


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a user should know that is no failure; `insists` where a program's user should know it, too."""

    text: str
    insists: bool = False


@dataclass(frozen=True, slots=True)
class PlanBuilt:
    """The work of the run is known."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A relation is being built, or compared."""

    name: str


@dataclass(frozen=True, slots=True)
class BatchesPlanned:
    """What is stale in an incremental model is known."""

    plan: BatchPlan


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """A batch is in the stage: the `number`th of `total`, `elapsed` seconds after all of them began."""

    name: str
    batch: Batch
    number: int
    total: int
    rows: int
    seconds: float
    elapsed: float


@dataclass(frozen=True, slots=True)
class BatchCrowded:
    """A batch was out of memory beside others; it is tried again alone, then so many run at once."""

    name: str
    batch: Batch
    at_once: int
    cause: str


@dataclass(frozen=True, slots=True)
class BatchRetried:
    """A batch failed in a way that may pass; it is tried again after a pause."""

    name: str
    batch: Batch
    attempt: int
    pause: float
    cause: str


@dataclass(frozen=True, slots=True)
class Retried:
    """Something else than a batch failed in a way that may pass: `part` of a relation says what, if not all of it."""

    name: str
    part: str
    attempt: int
    pause: float
    cause: str


@dataclass(frozen=True, slots=True)
class BatchSplit:
    """A batch was too large for memory; its parts are tried instead."""

    name: str
    batch: Batch
    parts: tuple[Batch, Batch]
    cause: str


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


@dataclass(frozen=True, slots=True)
class ComparisonBegun:
    """So many relations will be compared."""

    relations: int


@dataclass(frozen=True, slots=True)
class RelationCompared:
    """A relation is compared."""

    name: str


RunEvent = (
    Notice
    | PlanBuilt
    | StepStarted
    | BatchesPlanned
    | BatchFinished
    | BatchCrowded
    | BatchRetried
    | Retried
    | BatchSplit
    | AuditFinished
    | StepFinished
    | RunFinished
    | ComparisonBegun
    | RelationCompared
)
Emit = Callable[[RunEvent], None]


def telling(emit: Emit, name: str, part: str) -> Callable[[int, float, str], None]:
    """A listener to what happens between attempts."""
    return lambda attempt, pause, cause: emit(Retried(name, part, attempt, pause, cause))
