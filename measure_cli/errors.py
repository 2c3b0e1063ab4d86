"""Every error that a user can meet, as one tree.

A `MeasureError` carries what went wrong (`message`: where, what was found, what was expected), what to do next
(`hint`) and the exit code of the process. Anything else that reaches the command line is a defect of the tool.

    MeasureError
    ├── ProjectError     measure.toml, schema files, registries, templates, inputs: exit 2, nothing touched
    ├── PlanError        the models do not fit together: exit 2, nothing touched
    │   └── NothingSelected                          exit 4
    ├── EngineError      the database refused or failed: exit 1
    │   ├── Transient       worth another try
    │   ├── OutOfMemory     the statement is too large for the limit
    │   ├── Cancelled       somebody stopped the statement
    │   ├── TargetBusy      another process holds the database: exit 3
    │   └── LeaseLost       another run took over, while this one did not answer
    └── Interrupted      a signal stopped the run: exit 130 or 143
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar, Self


class MeasureError(Exception):
    """Base of all errors that are reported to the user without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def at(self, place: object) -> Self:
        """The same error, told from another place."""
        return type(self)(f"{place}: {self.message}", self.hint)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ProjectError(MeasureError):
    """A file of the project is missing, malformed or names something unknown."""

    exit_code = 2


class PlanError(MeasureError):
    """The relations cannot be ordered, resolved or compiled."""

    exit_code = 2


class NothingSelected(PlanError):
    """A selection matched no relation."""

    exit_code = 4


class EngineError(MeasureError):
    """The database engine refused a statement; in a transaction `statement` is the one that failed."""

    statement: object | None = None


class Transient(EngineError):
    """The same statement may succeed when it is sent again."""


class OutOfMemory(EngineError):
    """The statement needs more memory than the target allows."""


class Cancelled(EngineError):
    """A statement was stopped by `interrupt`."""


class TargetBusy(EngineError):
    """Another process holds the target."""

    exit_code = 3


class LeaseLost(EngineError):
    """Another run has taken over; this one must not write any more."""


class Interrupted(MeasureError):
    """A signal ended the run; the target is consistent.

    Args:
        signal_number: 2 for Ctrl-C (exit 130), 15 for SIGTERM (exit 143).
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(
            "interrupted: nothing of this run was published",
            "Run the same command again: a build starts over, a refresh goes on with the batches that are left.",
        )
        self.signal_number = signal_number


def exit_code_of(error: MeasureError) -> int:
    """Exit code of the process for an error."""
    return 128 + error.signal_number if isinstance(error, Interrupted) else error.exit_code


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint with the nearest known name, or the list of the known names when none is near and the list is short.

    >>> did_you_mean("bild", ["build", "audit"])
    'Did you mean "build"?'
    >>> did_you_mean("zzz", ["build", "audit"])
    'Known: audit, build.'
    """
    names = sorted(set(known))
    if near := get_close_matches(name, names, n=1, cutoff=0.55):
        return f'Did you mean "{near[0]}"?'
    folded = {candidate.casefold(): candidate for candidate in names}
    if same := folded.get(name.casefold()):
        return f'Did you mean "{same}"?'
    return f"Known: {', '.join(names)}." if 0 < len(names) <= 25 else None
