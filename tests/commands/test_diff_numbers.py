"""Random tables, random edits: the numbers of `measure diff` equal those that plain Python counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commands.files import Row, diff, write_rows

COLUMNS = {"id": "BIGINT", "x": "DOUBLE", "word": "VARCHAR", "amount": "DECIMAL(18,2)", "y": "DOUBLE", "day": "DATE",
           "moment": "TIMESTAMP", "flag": "BOOLEAN"}  # fmt: skip
DOUBLES = st.one_of(st.none(), st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1.0]), st.floats())
WORDS = st.one_of(st.none(), st.sampled_from(["", "a", "A", "a "]), st.text(st.characters(codec="utf-8"), max_size=5))
AMOUNTS = st.one_of(st.none(), st.decimals(-(10**6), 10**6, places=2))
DAYS = st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2200, 1, 1)))
MOMENTS = st.one_of(st.none(), st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
VALUES = (DOUBLES, WORDS, AMOUNTS, DOUBLES, DAYS, MOMENTS, st.one_of(st.none(), st.booleans()))
FACTORS = (1.0, 1.0 + 1e-12, 1.0 + 1e-7, -1.0)  # noise, a change, a change of the sign
ANCHORS = tuple((number, 0.5, "anchor", Decimal(1), 0.5, None, None, None) for number in (-2, -1))


@st.composite
def edited(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Rows with an id, and the same after edits: rows deleted and added, values replaced, doubles shifted a little."""
    ids = draw(st.lists(st.integers(0, 50), unique=True, max_size=12))
    before = [(number, *draw(st.tuples(*VALUES))) for number in ids]
    after = []
    for row in before:
        match draw(st.sampled_from(["keep", "keep", "delete", "replace", "shift"])):
            case "keep":
                after.append(row)
            case "replace":
                place = draw(st.integers(1, len(VALUES)))
                after.append((*row[:place], draw(VALUES[place - 1]), *row[place + 1 :]))
            case "shift":
                factor = draw(st.sampled_from(FACTORS))
                after.append(tuple(cell * factor if isinstance(cell, float) else cell for cell in row))
    added = draw(st.lists(st.integers(100, 150), unique=True, max_size=3))
    after += [(number, *draw(st.tuples(*VALUES))) for number in added]
    return [*ANCHORS, *before], [*ANCHORS, *draw(st.permutations(after))]


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=0.0)
    return bool(one == other)


@contextmanager
def files_of(columns: dict[str, str], a: list[Row], b: list[Row]) -> Iterator[tuple[Path, Path]]:
    with TemporaryDirectory() as folder:
        yield (
            write_rows(Path(folder) / "a.duckdb", "t", columns, a),
            write_rows(Path(folder) / "b.duckdb", "t", columns, b),
        )


@settings(max_examples=60, deadline=None)
@given(edited())
def test_rows_with_a_key(rows: tuple[list[Row], list[Row]]) -> None:
    before, after = ({row[0]: row for row in side} for side in rows)
    both = before.keys() & after.keys()
    cells = Counter(
        name
        for key in both
        for name, one, other in zip(COLUMNS, before[key], after[key], strict=True)
        if not alike(one, other)
    )
    with files_of(COLUMNS, *rows) as (a, b):
        told = diff(a, b)
        back = diff(b, a)
    only_a, only_b = len(before.keys() - both), len(after.keys() - both)
    assert told.relations["t"]["key"] == ["id"]
    assert told.counts("t") == (len(before), len(after), only_a, only_b, cells.total())
    assert told.cells("t") == cells
    assert back.counts("t") == (len(after), len(before), only_b, only_a, cells.total())
    assert back.cells("t") == cells


KEYLESS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.sampled_from([1.0, 2.0, 3.0])), max_size=12)
TWICE = ("twice", 0, 1.0)


@settings(max_examples=60, deadline=None)
@given(KEYLESS, KEYLESS)
def test_rows_without_a_key(left: list[Row], right: list[Row]) -> None:
    """What is left after equal rows cancelled out is changed where both sides have such a row but for its double."""
    a, b = [TWICE, TWICE, *left], [TWICE, TWICE, *right]
    rest_a, rest_b = Counter(a) - Counter(b), Counter(b) - Counter(a)
    groups_a, groups_b = (Counter(row[:2] for row in rest.elements()) for rest in (rest_a, rest_b))
    changed = groups_a & groups_b
    with files_of({"word": "VARCHAR", "n": "INTEGER", "x": "DOUBLE"}, a, b) as (one, other):
        told = diff(one, other)
    only_a, only_b = (groups_a - changed).total(), (groups_b - changed).total()
    assert told.relations["t"]["key"] is None
    assert told.counts("t") == (len(a), len(b), only_a, only_b, changed.total())
    assert told.cells("t") == ({"x": changed.total()} if changed else {})
