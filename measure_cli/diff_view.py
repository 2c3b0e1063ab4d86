"""A comparison of two targets: as text for people, as data for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from measure_cli.batch_view import count_of
from measure_cli.console import print_lines, print_table, sample_lines
from measure_cli.differences import ColumnDiff, Comparison, DiffStatus, RelationDiff, Samples
from measure_cli.results import Table
from measure_cli.show_view import records
from measure_cli.tables import with_headings

WORDS = {
    DiffStatus.SAME: "same",
    DiffStatus.DIFFERENT: "different",
    DiffStatus.ONLY_A: "only in A",
    DiffStatus.ONLY_B: "only in B",
    DiffStatus.UNREADABLE: "unreadable",
}
HEADINGS = ("relation", "status", "rows_A", "rows_B", "only in_A", "only in_B", "changed_cells")


def as_json(found: Comparison) -> dict[str, Any]:
    """A comparison as data."""
    return {
        "a": found.a,
        "b": found.b,
        "tolerance": found.tolerance,
        "status": "different" if found.differs else "same",
        "notes": list(found.notes),
        "relations": [relation_json(relation) for relation in found.relations],
        "seconds": round(found.seconds, 3),
    }


def relation_json(relation: RelationDiff) -> dict[str, Any]:
    """One relation as data; an internal one has counts, but no values."""
    return {
        "name": relation.name,
        "status": relation.status.value,
        "internal": relation.is_internal,
        "key": relation.key,
        "rows_a": relation.rows_a,
        "rows_b": relation.rows_b,
        "only_a": relation.only_a,
        "only_b": relation.only_b,
        "changed_rows": relation.changed_rows,
        "changed_cells": relation.changed_cells,
        "columns": [
            {"name": column.name, "type_a": column.type_a, "type_b": column.type_b, "changed_cells": column.cells}
            for column in relation.columns
        ],
        "samples": samples_json(relation.samples),
        "reason": relation.reason,
    }


def samples_json(samples: Samples) -> dict[str, Any]:
    """Sample rows as data."""
    return {
        "only_a": records(samples.only_a) or [],
        "only_b": records(samples.only_b) or [],
        "changed": [
            {"key": dict(row.key), "cells": [{"column": column, "a": a, "b": b} for column, a, b in row.cells]}
            for row in samples.changed
        ],
    }


def print_comparison(found: Comparison, color: bool, quiet: bool) -> None:
    """A comparison for people: a line for each relation, then what differs in detail."""
    rows = tuple(
        (
            relation.name,
            WORDS[relation.status],
            relation.rows_a,
            relation.rows_b,
            relation.only_a,
            relation.only_b,
            relation.changed_cells,
        )
        for relation in found.relations
    )
    print_table(with_headings(Table(HEADINGS, rows)), color, may_turn=False)
    for relation in found.relations:
        if lines := list(details(relation)):
            print_lines(["", *lines], color)
    if not quiet:
        print_lines([*legend(found), summary(found)], color, stderr=True)


def legend(found: Comparison) -> Iterator[str]:
    """What A and B stand for."""
    yield ""
    yield f"A is {found.a}, B is {found.b}; doubles agree within {found.tolerance:g} of the larger one"


def summary(found: Comparison) -> str:
    """One line on a comparison."""
    counts = Counter(relation.status for relation in found.relations)
    told = ", ".join(f"{counts[status]} {WORDS[status]}" for status in DiffStatus if counts[status])
    return f"{'different' if found.differs else 'same'}: {told}; {found.seconds:.2f} s"


def details(relation: RelationDiff) -> Iterator[str]:
    """What is not the same in one relation."""
    if relation.status is DiffStatus.UNREADABLE:
        yield f"{relation.name}: {relation.reason}"
    if relation.status is not DiffStatus.DIFFERENT:
        return
    yield f"{relation.name}, {matching_text(relation)}"
    for column in relation.columns:
        yield from column_lines(column)
    for row in relation.samples.changed:
        key = ", ".join(f"{name}={text(value)}" for name, value in row.key)
        cells = ", ".join(f"{name}: {text(a)} -> {text(b)}" for name, a, b in row.cells)
        yield f"  changed: {f'{key}: ' if key else ''}{cells}"
    for letter, table in (("A", relation.samples.only_a), ("B", relation.samples.only_b)):
        for line in sample_lines(table):
            yield f"  only in {letter}: {line.strip()}"


def matching_text(relation: RelationDiff) -> str:
    """By what rows were matched."""
    if relation.key is None:
        return "rows matched whole, because no columns are unique"
    return f"rows matched by {', '.join(relation.key)}" if relation.key else "which has one row"


def column_lines(column: ColumnDiff) -> Iterator[str]:
    """One column that is not alike."""
    if column.type_a is None or column.type_b is None:
        yield f"  column {column.name} is only in {'B' if column.type_a is None else 'A'}"
        return
    if column.type_a != column.type_b:
        yield f"  column {column.name} is {column.type_a} in A, {column.type_b} in B"
    if column.cells:
        yield f"  column {column.name}: {count_of(column.cells, 'cell')} {'differs' if column.cells == 1 else 'differ'}"


def text(value: str | None) -> str:
    """A value of a sample."""
    return "NULL" if value is None else value
