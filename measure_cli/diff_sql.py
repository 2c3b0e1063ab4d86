"""The SQL by which the rows of two sides are matched and compared, in a DuckDB that has both attached. Pure text.

Compared columns are called c0, c1, ... on either side, so no name of a user can collide with one of ours. Rows match on
key columns, NULL with NULL. Where no columns are unique, equal rows cancel out one by one; what is left matches on
all columns that are not DOUBLE, numbered among equals by their doubles, which are rounded to be in the same order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from measure_cli.differences import ColumnDiff
from measure_cli.ports import ROWS_TABLE
from measure_cli.sqltext import find_column, identifier, literal

SAMPLE_ROWS = 5
DOUBLES = ("DOUBLE", "FLOAT")
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
WHOLE_NUMBER = re.compile(rf"{'|'.join(INTEGERS)}|DECIMAL\(\d+, ?0\)")
DROP_LEFTOVERS = "; ".join(
    f"DROP {kind} IF EXISTS {name}_{letter}" for kind, name in (("VIEW", "side"), ("TABLE", "rest")) for letter in "ab"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A column whose cells can be compared: its name on either side."""

    a: str
    b: str
    is_double: bool


def align(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[tuple[Compared, ...], tuple[ColumnDiff, ...]]:
    """Columns that can be compared, and those that are only on one side or of another type.

    Engines differ in how wide their whole numbers are, so the width makes no difference.

    >>> align({"a": "INTEGER", "b": "DATE"}, {"A": "BIGINT"})[1]
    (ColumnDiff(name='b', type_a='DATE', type_b=None, cells=0),)
    """
    compared, unlike = [], []
    for name, kind in a.items():
        found = find_column(name, b)
        if found is not None and family(kind) == family(b[found]):
            compared.append(Compared(name, found, kind in DOUBLES))
        else:
            unlike.append(ColumnDiff(name, kind, b[found] if found is not None else None))
    unlike += [ColumnDiff(name, None, kind) for name, kind in b.items() if find_column(name, a) is None]
    return tuple(compared), tuple(unlike)


def family(kind: str) -> str:
    """What a type is compared as: all whole numbers alike, both widths of floating point alike."""
    if kind in DOUBLES:
        return DOUBLES[0]
    return "whole number" if WHOLE_NUMBER.fullmatch(kind) else kind


def side(letter: str, columns: Sequence[Compared]) -> str:
    """A view `side_a` or `side_b` of the compared columns."""
    chosen = [(column.a if letter == "a" else column.b, column.is_double) for column in columns]
    cells = [
        f"{f'CAST({identifier(name)} AS DOUBLE)' if is_double else identifier(name)} AS c{index}"
        for index, (name, is_double) in enumerate(chosen)
    ]
    selected = ", ".join(["TRUE AS present", *cells])
    return f"CREATE TEMP VIEW side_{letter} AS SELECT {selected} FROM {letter}.{ROWS_TABLE}"


def row_count(letter: str) -> str:
    """The number of rows of one side."""
    return f"SELECT count(*) FROM {letter}.{ROWS_TABLE}"


def repetition(letter: str, key: Sequence[int]) -> str:
    """One row if two rows of a side have the same key; without columns, all rows have."""
    groups = ", ".join(["present", *(f"c{index}" for index in key)])
    return f"SELECT 1 FROM side_{letter} GROUP BY {groups} HAVING count(*) > 1 LIMIT 1"


@dataclass(frozen=True, slots=True)
class Matching:
    """How the rows of two sides are matched: by a unique key, or whole (`key` is None)."""

    columns: tuple[Compared, ...]
    key: tuple[int, ...] | None
    tolerance: float

    @property
    def matched(self) -> tuple[int, ...]:
        """The columns on which rows match."""
        return exact_columns(self.columns) if self.key is None else self.key

    @property
    def valued(self) -> tuple[int, ...]:
        """The columns whose cells may differ in rows that match."""
        return tuple(index for index in range(len(self.columns)) if index not in self.matched)

    def rest(self) -> list[str]:
        """Tables of the rows that have no equal on the other side, for rows that are matched whole."""
        if self.key is not None:
            return []
        numbers = f"row_number() OVER ({self._window()})"
        return [
            f"CREATE TEMP TABLE rest_{one} AS SELECT *, {numbers} AS occurrence "
            f"FROM (SELECT * FROM side_{one} EXCEPT ALL SELECT * FROM side_{other})"
            for one, other in (("a", "b"), ("b", "a"))
        ]

    def _window(self) -> str:
        digits = 15 if not self.tolerance else min(15, max(0, math.floor(-math.log10(self.tolerance)) - 3))
        rounded = [f"CAST(format('{{:.{digits}e}}', c{index}) AS DOUBLE)" for index in self.valued]
        order = ", ".join([*rounded, *(f"c{index}" for index in self.valued)]) or "present"
        groups = ", ".join(["present", *(f"c{index}" for index in self.matched)])
        return f"PARTITION BY {groups} ORDER BY {order}"

    def _joined(self) -> str:
        """The rows of both sides; `present` is NULL on the side that has no such row."""
        source = "side" if self.key is not None else "rest"
        on = [f"a.c{index} IS NOT DISTINCT FROM b.c{index}" for index in self.matched]
        on += [] if self.key is not None else ["a.occurrence = b.occurrence"]
        conditions = " AND ".join(["a.present = b.present", *on])
        return f"FROM {source}_a AS a FULL JOIN {source}_b AS b ON {conditions}"

    def _same(self, index: int) -> str:
        """Whether two cells are alike; NaN equals NaN, infinity only itself."""
        a, b = f"a.c{index}", f"b.c{index}"
        same = f"{a} IS NOT DISTINCT FROM {b}"
        if not self.columns[index].is_double:
            return same
        near = f"abs({a} - {b}) <= {literal(self.tolerance)} * greatest(abs({a}), abs({b}))"
        return f"({same} OR coalesce(isfinite({a}) AND isfinite({b}) AND {near}, FALSE))"

    def _is_changed(self) -> str:
        same = " AND ".join(map(self._same, self.valued)) or "TRUE"
        return f"a.present AND b.present AND NOT ({same})"

    def counts(self) -> str:
        """Rows only in A, only in B, changed; then the changed cells of each valued column."""
        conditions = ["b.present IS NULL", "a.present IS NULL", self._is_changed()]
        conditions += [f"a.present AND b.present AND NOT {self._same(index)}" for index in self.valued]
        return (
            f"SELECT {', '.join(f'count(*) FILTER (WHERE {condition})' for condition in conditions)} {self._joined()}"
        )

    def only(self, letter: str) -> str:
        """Some rows of one side that the other has not."""
        other = "b" if letter == "a" else "a"
        cells = [f"{letter}.c{index}" for index in range(len(self.columns))]
        order = [f"{letter}.c{index}" for index in (*self.matched, *self.valued)]
        return (
            f"SELECT {texts(cells)} {self._joined()} WHERE {other}.present IS NULL "
            f"ORDER BY {', '.join(order)} LIMIT {SAMPLE_ROWS}"
        )

    def changed(self) -> str:
        """Some changed rows: the key, then for each valued column whether it changed, A's value, B's value."""
        key = [texts([f"a.c{index}"]) for index in self.matched]
        cells = [f"NOT {self._same(index)}, {texts([f'a.c{index}', f'b.c{index}'])}" for index in self.valued]
        order = [f"a.c{index}" for index in (*self.matched, *self.valued)]
        return (
            f"SELECT {', '.join([*key, *cells])} {self._joined()} WHERE {self._is_changed()} "
            f"ORDER BY {', '.join(order)} LIMIT {SAMPLE_ROWS}"
        )


def exact_columns(columns: Sequence[Compared]) -> tuple[int, ...]:
    """The columns that can be part of a key: doubles carry noise."""
    return tuple(index for index, column in enumerate(columns) if not column.is_double)


def texts(cells: Sequence[str]) -> str:
    """Cells as text."""
    return ", ".join(f"CAST({cell} AS VARCHAR)" for cell in cells)
