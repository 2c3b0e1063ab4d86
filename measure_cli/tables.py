"""Rows -> lines of a given width, in time linear in the number of rows. Knows no terminal.

A table that is too wide is folded: its widest columns are made narrower, and their texts continue on the next line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from measure_cli.cells import column_texts, printable
from measure_cli.results import Table

GAP = "  "
SIDE_BY_SIDE = 3
READABLE = 8  # columns of text are not made narrower than this before those of numbers are
NARROWEST = 4  # columns are not made narrower than this, however narrow the terminal is
RULE, PLAIN_RULE = "─", "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is shown; the lines of the heading stand above each other."""

    heading: tuple[str, ...]
    texts: Sequence[str]
    is_number: bool

    @property
    def width(self) -> int:
        """The width of the widest text."""
        return max(map(cells, (*self.heading, *self.texts)), default=0)


def columns_of(table: Table) -> list[Column]:
    """The columns of a table as they are shown."""
    by_column: list[tuple[Any, ...]] = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    return [
        Column(tuple(map(printable, name.split("\n"))), column_texts(values), is_numeric(values))
        for name, values in zip(table.columns, by_column, strict=True)
    ]


def is_numeric(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers, which stand to the right."""
    return any(isinstance(value, int | float | Decimal) for value in values)


def natural_width(columns: Sequence[Column]) -> int:
    """The width of a table in which nothing is folded."""
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def header_lines(columns: Sequence[Column], widths: Sequence[int]) -> list[str]:
    """The names of the columns, each above its column and as low as it goes."""
    folded = [
        [part for line in column.heading for part in fold(line, width)]
        for column, width in zip(columns, widths, strict=True)
    ]
    height = max(map(len, folded), default=0)
    raised = [[""] * (height - len(lines)) + lines for lines in folded]
    return [line_of(parts, columns, widths) for parts in zip(*raised, strict=True)]


def rule_line(widths: Sequence[int], is_ascii: bool) -> str:
    """The line below the names."""
    return (PLAIN_RULE if is_ascii else RULE) * (sum(widths) + len(GAP) * (len(widths) - 1))


def body_lines(columns: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
    """The rows: one line each where nothing has to be folded."""
    fits = all(column.width <= width for column, width in zip(columns, widths, strict=True))
    for texts in zip(*(column.texts for column in columns), strict=True):
        if fits:
            yield line_of(texts, columns, widths)
            continue
        folded = [fold(text, width) for text, width in zip(texts, widths, strict=True)]
        for parts in zip_longest(*folded, fillvalue=""):
            yield line_of(parts, columns, widths)


def line_of(parts: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    """One line: every part within the width of its column."""
    padded = [
        " " * (width - cells(part)) + part if column.is_number else part + " " * (width - cells(part))
        for part, column, width in zip(parts, columns, widths, strict=True)
    ]
    return GAP.join(padded).rstrip()


def widths_within(columns: Sequence[Column], room: int) -> list[int]:
    """The widths of columns in a table of a width: the widest ones give way until all fits, those of numbers last.

    >>> widths_within([Column(("a",), ["x" * 30], False), Column(("b",), ["y" * 50], False)], 42)
    [20, 20]
    """
    widths = [min(column.width, max(room, NARROWEST)) for column in columns]
    texts = [index for index, column in enumerate(columns) if not column.is_number]
    for indexes, floor in ((texts, READABLE), (range(len(columns)), NARROWEST)):
        surplus = sum(widths) + len(GAP) * (len(widths) - 1) - room
        limit = max((widths[index] for index in indexes), default=0)
        while surplus > 0 and limit > floor:
            limit -= 1
            for index in indexes:
                if surplus > 0 and widths[index] > limit:
                    widths[index] -= 1
                    surplus -= 1
    return widths


def fold(text: str, width: int) -> list[str]:
    """A text in lines of at most a width, parted between words where that is possible.

    >>> fold("what every row needs", 10), fold("abcdefgh", 3), fold("", 5)
    (['what every', 'row needs'], ['abc', 'def', 'gh'], [''])
    """
    if cells(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cells(longer) <= width:
            lines[-1] = longer
            continue
        pieces = pieces_of(word, width)
        lines = [*(lines if lines[-1] else lines[:-1]), *pieces]
    return lines


def pieces_of(word: str, width: int) -> list[str]:
    """A word cut into pieces of at most a width, each of one character at least."""
    pieces = [""]
    for char in word:
        if pieces[-1] and cells(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def cells(text: str) -> int:
    r"""How many columns of a terminal a text takes.

    >>> cells("abc"), cells("Größe"), cells("列"), cells("e\u0301")
    (3, 5, 2, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf"
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def turned(table: Table, room: int) -> Iterator[list[Column]]:
    """Tables with columns as rows, each with as many rows side by side as there is room for."""
    texts = [column_texts(values) for values in zip(*table.rows, strict=True)]
    first = 0
    while first < len(table.rows):
        for count in range(SIDE_BY_SIDE, 0, -1):
            last = min(first + count, len(table.rows))
            names = ("column", *(f"row {number + 1}" for number in range(first, last)))
            named = zip(table.columns, texts, strict=True)
            columns = columns_of(
                Table(names, tuple((name.replace("\n", " "), *own[first:last]) for name, own in named))
            )
            if natural_width(columns) <= room:
                break
        yield columns
        first = last


def with_headings(table: Table) -> Table:
    """The table with column names as narrow headings, one word a line."""
    return Table(tuple(name.replace("_", "\n") for name in table.columns), table.rows)
