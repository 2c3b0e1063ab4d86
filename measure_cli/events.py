"""What a run tells while it goes on. Views subscribe; nothing below them prints.

    Notice* -> PlanBuilt -> (StepStarted -> Batches -> AuditFinished* -> StepFinished)* -> RunFinished
    Batches: nothing, or BatchesPlanned -> (BatchRetried* -> BatchFinished | BatchSplit)*

Batches are told by the thread that computes them, one event at a time.

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
    """Something a user should know that is no failure."""

    text: str


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
    """A batch is in the stage: the `number`th of `total`."""

    name: str
    batch: Batch
    number: int
    total: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchRetried:
    """A batch failed in a way that may pass; it is tried again after a pause."""

    name: str
    batch: Batch
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
    | BatchRetried
    | BatchSplit
    | AuditFinished
    | StepFinished
    | RunFinished
    | ComparisonBegun
    | RelationCompared
)
Emit = Callable[[RunEvent], None]
