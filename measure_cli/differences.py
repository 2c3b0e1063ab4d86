"""What a comparison of two targets found: plain frozen data, standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from measure_cli.results import Table
from measure_cli.types import Statement


class DiffStatus(StrEnum):
    """How a relation of A stands to that of B."""

    SAME = "same"
    DIFFERENT = "different"
    ONLY_A = "only_a"
    ONLY_B = "only_b"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Stored:
    """A relation as it stands in one target: its name as a person writes it, and what reads all of its rows."""

    table: str
    select: Statement


@dataclass(frozen=True, slots=True)
class Pair:
    """One relation of both targets; None where it is not built. `keys` are the unique keys that the stack declares."""

    name: str
    is_internal: bool
    a: Stored | None
    b: Stored | None
    keys: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnDiff:
    """A column that is not alike: changed cells, other types, or a type of None where it is missing."""

    name: str
    type_a: str | None
    type_b: str | None
    cells: int = 0


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One row that stands on both sides: its key, and column, A's value, B's value of each changed cell, as text."""

    key: tuple[tuple[str, str | None], ...]
    cells: tuple[tuple[str, str | None, str | None], ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """A few rows of each class of difference, as text."""

    only_a: Table | None = None
    only_b: Table | None = None
    changed: tuple[ChangedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationDiff:
    """One relation compared.

    `key` names the columns by which rows were matched, None when whole rows were, because no columns are unique.
    """

    name: str
    status: DiffStatus
    is_internal: bool = False
    key: tuple[str, ...] | None = None
    rows_a: int | None = None
    rows_b: int | None = None
    only_a: int = 0
    only_b: int = 0
    changed_rows: int = 0
    columns: tuple[ColumnDiff, ...] = ()
    samples: Samples = Samples()
    reason: str | None = None

    @property
    def changed_cells(self) -> int:
        """Cells of rows on both sides that are not alike."""
        return sum(column.cells for column in self.columns)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two targets compared, relation by relation."""

    a: str
    b: str
    tolerance: float
    relations: tuple[RelationDiff, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def differs(self) -> bool:
        """Whether any relation is not the same."""
        return any(relation.status is not DiffStatus.SAME for relation in self.relations)
