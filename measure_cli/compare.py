"""Compares a relation of two targets: each side's rows are copied into a temporary file, and DuckDB compares the files.

Memory is bounded: engines send rows in batches, and what DuckDB cannot hold it spills beside the files. Values of
internal relations stay in the temporary folder, which only this user can read and which goes with the comparison.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from measure_cli.diff_sql import DROP_LEFTOVERS, Compared, Matching, align, exact_columns, repetition, row_count, side
from measure_cli.differences import ChangedRow, ColumnDiff, DiffStatus, Pair, RelationDiff, Samples, Stored
from measure_cli.engines.duckdb import our_errors
from measure_cli.errors import Cancelled, EngineError
from measure_cli.ports import Engine, Session
from measure_cli.results import Table
from measure_cli.sqltext import find_column, literal
from measure_cli.types import Statement

MEMORY_LIMIT = "1GB"


class Comparer:
    """Compares relations of two open targets. `is_strict` where both sides mean the same by the name of a type."""

    def __init__(self, a: Engine, b: Engine, tolerance: float, is_strict: bool) -> None:
        self._engines = (a, b)
        self._sessions = (a.session(), b.session())
        self._tolerance = tolerance
        self._is_strict = is_strict
        self._folder = TemporaryDirectory(prefix="measure-")
        config: dict[str, Any] = {"memory_limit": MEMORY_LIMIT, "temp_directory": f"{self._folder.name}/spill"}
        self._connection = duckdb.connect(config=config)
        self._connection.execute("SET TimeZone = 'UTC'")

    def interrupt(self) -> None:
        """Stop what is running. Callable from another thread."""
        self._connection.interrupt()
        for engine in self._engines:
            engine.interrupt()

    def close(self) -> None:
        """Give the sessions back and remove what was copied."""
        self._connection.close()
        self._folder.cleanup()
        for session in self._sessions:
            session.close()

    def compare(self, pair: Pair) -> RelationDiff:
        """One relation; one that cannot be read is told as such, so that the others are compared."""
        try:
            with our_errors():
                return self._both(pair, pair.a, pair.b) if pair.a and pair.b else self._one(pair)
        except Cancelled:
            raise
        except EngineError as error:  # what an engine says may quote a value
            reason = "it cannot be read" if pair.is_internal else error.message
            return RelationDiff(pair.name, DiffStatus.UNREADABLE, pair.is_internal, reason=reason)

    def _one(self, pair: Pair) -> RelationDiff:
        rows_a, rows_b = (
            rows_of(session, stored) if stored else None
            for session, stored in zip(self._sessions, (pair.a, pair.b), strict=True)
        )
        status = DiffStatus.ONLY_A if pair.a else DiffStatus.ONLY_B
        return RelationDiff(pair.name, status, pair.is_internal, rows_a=rows_a, rows_b=rows_b)

    def _both(self, pair: Pair, a: Stored, b: Stored) -> RelationDiff:
        types = [engine.columns(stored.table) for engine, stored in zip(self._engines, (a, b), strict=True)]
        with TemporaryDirectory(dir=self._folder.name) as folder, contextlib.ExitStack() as stack:
            for letter, session, stored, columns in zip("ab", self._sessions, (a, b), types, strict=True):
                file = Path(folder) / f"{letter}.duckdb"
                session.unload(stored.select, tuple(columns.items()), file)
                self._connection.execute(f"ATTACH {literal(str(file))} AS {letter} (READ_ONLY)")
                stack.callback(self._connection.execute, f"DETACH {letter}")
            stack.callback(self._connection.execute, DROP_LEFTOVERS)
            return compared(self._connection, pair, types[0], types[1], self._tolerance, self._is_strict)


def rows_of(session: Session, stored: Stored) -> int:
    """The number of rows of a relation."""
    counted = Statement(f"SELECT count(*) FROM (\n{stored.select.sql}\n) AS counted")
    return int(session.query(counted).rows[0][0])


def compared(
    connection: duckdb.DuckDBPyConnection,
    pair: Pair,
    types_a: Mapping[str, str],
    types_b: Mapping[str, str],
    tolerance: float,
    is_strict: bool,
) -> RelationDiff:
    """Compare the rows of the attached files."""
    columns, unlike = align(types_a, types_b)
    rows_a, rows_b = (numbers(connection, row_count(letter))[0] for letter in "ab")
    for letter in "ab":
        connection.execute(side(letter, columns))
    key = found_key(connection, columns, pair.keys) if columns else None
    matching = Matching(columns, key, tolerance)
    for statement in matching.rest():
        connection.execute(statement)
    only_a, only_b, changed, *cells = numbers(connection, matching.counts()) if columns else (rows_a, rows_b, 0)
    unlike = (*column_diffs(matching, cells, types_a, types_b, is_strict), *unlike)
    is_same = not (only_a or only_b or changed or unlike)
    hidden = is_same or pair.is_internal or not columns
    return RelationDiff(
        name=pair.name,
        status=DiffStatus.SAME if is_same else DiffStatus.DIFFERENT,
        is_internal=pair.is_internal,
        key=None if key is None else tuple(columns[index].a for index in key),
        rows_a=rows_a,
        rows_b=rows_b,
        only_a=only_a,
        only_b=only_b,
        changed_rows=changed,
        columns=unlike,
        samples=Samples() if hidden else sampled(connection, matching, only_a, only_b, changed),
    )


def numbers(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    """The one row of a query that counts."""
    return tuple(connection.execute(sql).fetchall()[0])


def found_key(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[Compared], declared: Sequence[Sequence[str]]
) -> tuple[int, ...] | None:
    """Columns that are unique on both sides: a declared key, else the fewest that are; None without any."""
    exact = exact_columns(columns)
    by_name = {columns[index].a: index for index in exact}

    def is_unique(key: Sequence[int]) -> bool:
        return not any(connection.execute(repetition(letter, key)).fetchall() for letter in "ab")

    for names in declared:
        places = [by_name[found] for name in names if (found := find_column(name, by_name)) is not None]
        if len(places) == len(names) and is_unique(places):
            return tuple(places)
    return fewest_columns(exact, is_unique) if is_unique(exact) else None


def fewest_columns(columns: Sequence[int], is_unique: Callable[[Sequence[int]], bool]) -> tuple[int, ...]:
    """A key of which no column can be left out, with columns that stand as far left as possible.

    The last column of the shortest unique beginning belongs to the key; so does the last one of the shortest beginning
    that is unique together with it, and so on.
    """
    key: list[int] = []
    while not is_unique(key):
        fewest, most = 1, len(columns)  # more columns never make a unique key less unique
        while fewest < most:
            middle = (fewest + most) // 2
            if is_unique([*columns[:middle], *key]):
                most = middle
            else:
                fewest = middle + 1
        columns, key = columns[: fewest - 1], [columns[fewest - 1], *key]
    return tuple(key)


def column_diffs(
    matching: Matching, cells: Sequence[int], types_a: Mapping[str, str], types_b: Mapping[str, str], is_strict: bool
) -> list[ColumnDiff]:
    """Compared columns with changed cells, or of types that are compared alike and are not the same."""
    changed = dict(zip(matching.valued, cells, strict=True)) if matching.columns else {}
    found = []
    for index, column in enumerate(matching.columns):
        kinds = (types_a[column.a], types_b[column.b])
        if changed.get(index) or (is_strict and kinds[0] != kinds[1]):
            found.append(ColumnDiff(column.a, *kinds, changed.get(index, 0)))
    return found


def sampled(
    connection: duckdb.DuckDBPyConnection, matching: Matching, only_a: int, only_b: int, changed: int
) -> Samples:
    """A few rows of each class of difference that there is."""
    names = tuple(column.a for column in matching.columns)
    tables = [
        Table(names, tuple(connection.execute(matching.only(letter)).fetchall())) if count else None
        for letter, count in (("a", only_a), ("b", only_b))
    ]
    rows = connection.execute(matching.changed()).fetchall() if changed else []
    return Samples(tables[0], tables[1], tuple(changed_row(matching, names, row) for row in rows))


def changed_row(matching: Matching, names: Sequence[str], row: Sequence[Any]) -> ChangedRow:
    """A row of `Matching.changed` with names; cells that are alike are left out."""
    width = len(matching.matched)
    key = tuple((names[index], row[place]) for place, index in enumerate(matching.matched))
    triples = zip(matching.valued, *(row[width + part :: 3] for part in range(3)), strict=True)
    return ChangedRow(key, tuple((names[index], a, b) for index, is_changed, a, b in triples if is_changed))
