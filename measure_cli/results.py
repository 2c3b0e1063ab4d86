"""What happened in a run: results of relations and audits, plain frozen data, standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from measure_cli.kinds import RelationKind, Severity


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their column names, as read from an engine."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The first rows of a query, the types of its columns, and whether there are more rows."""

    table: Table
    types: tuple[str, ...]
    has_more: bool


class StepStatus(StrEnum):
    """How a relation ended in a run."""

    BUILT = "built"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    HELD = "held"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one relation ended: `reason` says why when it was not published, `batches` how many a refresh computed."""

    name: str
    kind: RelationKind
    status: StepStatus
    rows: int | None = None
    seconds: float = 0.0
    reason: str | None = None
    batches: int | None = None


class AuditStatus(StrEnum):
    """How an audit ended."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class AuditResult:
    """How one audit ended. `failures` counts offending rows; `sample` holds some of them.

    `clean` is the name under which the next refresh may remember that nothing offends.
    """

    model: str
    name: str
    severity: Severity
    status: AuditStatus
    failures: int
    seconds: float = 0.0
    sample: Table | None = None
    message: str | None = None
    clean: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows of a source that are not used: how many, which relation tells why, the command that shows it."""

    source: str
    rows: int
    relation: str
    look: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """The outcome of a run, as printed and as recorded."""

    run_id: str
    command: str
    target: str
    stack: str
    as_of: date
    status: str
    models: tuple[StepResult, ...] = ()
    audits: tuple[AuditResult, ...] = ()
    seconds: float = 0.0
    rejected: tuple[Rejected, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether any relation or error-severity audit failed."""
        return self.status != "success"


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and why some of its statements are missing."""

    text: str
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One relation in detail: facts, columns (name, type, description), audits, and rows when it is built."""

    facts: dict[str, Any]
    columns: tuple[tuple[str, str, str], ...]
    audits: tuple[str, ...]
    rows: Table | None


@dataclass(frozen=True, slots=True)
class Status:
    """What the target knows of its last run."""

    target: str
    run: Mapping[str, Any] | None
    built: Table | None
    audits: Table | None
    batches: Table | None = None
