"""Random tables, random edits: the numbers of `measure diff` equal those that plain Python counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commands.files import Row, diff, write_tables

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


Sides = tuple[list[Row], list[Row]]


@contextmanager
def files_of(columns: dict[str, str], tables: Sequence[Sides]) -> Iterator[tuple[Path, Path]]:
    """Two files with the tables t0, t1 and so on."""
    with TemporaryDirectory() as folder:
        a, b = (
            write_tables(Path(folder) / name, columns, {f"t{number}": rows for number, rows in enumerate(side)})
            for name, side in zip(("a.duckdb", "b.duckdb"), zip(*tables, strict=True), strict=True)
        )
        yield a, b


# Most of the time of a comparison does not depend on how much is compared: so each example is three tables.
@settings(max_examples=20, deadline=None)
@given(st.tuples(edited(), edited(), edited()))
def test_rows_with_a_key(tables: Sequence[Sides]) -> None:
    with files_of(COLUMNS, tables) as (a, b):
        told, back = diff(a, b), diff(b, a)
    for number, sides in enumerate(tables):
        name = f"t{number}"
        before, after = ({row[0]: row for row in side} for side in sides)
        both = before.keys() & after.keys()
        cells = Counter(
            column
            for key in both
            for column, one, other in zip(COLUMNS, before[key], after[key], strict=True)
            if not alike(one, other)
        )
        only_a, only_b = len(before.keys() - both), len(after.keys() - both)
        assert told.relations[name]["key"] == ["id"]
        assert told.counts(name) == (len(before), len(after), only_a, only_b, cells.total())
        assert told.cells(name) == cells
        assert back.counts(name) == (len(after), len(before), only_b, only_a, cells.total())
        assert back.cells(name) == cells


KEYLESS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.sampled_from([1.0, 2.0, 3.0])), max_size=12)
TWICE = [("twice", 0, 1.0)] * 2
WITH_COPIES = KEYLESS.map(lambda rows: [*TWICE, *rows])
PAIRS = st.tuples(WITH_COPIES, WITH_COPIES)


@settings(max_examples=20, deadline=None)
@given(st.tuples(PAIRS, PAIRS, PAIRS))
def test_rows_without_a_key(tables: Sequence[Sides]) -> None:
    """What is left after equal rows cancelled out is changed where both sides have such a row but for its double."""
    with files_of({"word": "VARCHAR", "n": "INTEGER", "x": "DOUBLE"}, tables) as (one, other):
        told = diff(one, other)
    for number, (a, b) in enumerate(tables):
        name = f"t{number}"
        rest_a, rest_b = Counter(a) - Counter(b), Counter(b) - Counter(a)
        groups_a, groups_b = (Counter(row[:2] for row in rest.elements()) for rest in (rest_a, rest_b))
        changed = groups_a & groups_b
        only_a, only_b = (groups_a - changed).total(), (groups_b - changed).total()
        assert told.relations[name]["key"] is None
        assert told.counts(name) == (len(a), len(b), only_a, only_b, changed.total())
        assert told.cells(name) == ({"x": changed.total()} if changed else {})
