"""The batches in which stale months are computed: at most so many months in one. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from measure_cli.batches import PlannedMonth, joined, length, overlap, without
from measure_cli.types import Batch

LONGEST_MONTH = 31  # days
WORTH_IT = 0.8


@dataclass(frozen=True, slots=True)
class Piece:
    """Days of one month that are still to be computed.

    `is_rest`: other days of the month wait in the stage, because a batch of this size failed before; it stays a batch
    of its own.
    """

    days: Batch
    has_rows: bool
    is_rest: bool


def cut_into_batches(stale: Sequence[PlannedMonth], waiting: Sequence[Batch], most: int) -> Iterator[Batch]:
    """What is still to be computed: days that follow one another together, at most `most` months in one batch.

    Months without rows cost nothing. Batches end where months do, unless clearly fewer are enough otherwise: 61 days
    around one whole month are two batches of a month's size, not three.
    """
    for stretch in stretches(stale, waiting):
        batches = list(in_months(stretch, most))
        whole = joined([piece.days for piece in stretch])[0]
        fewest = math.ceil(length(whole) / (LONGEST_MONTH * most))
        if fewest <= WORTH_IT * len(batches) and all(piece.has_rows for piece in stretch):
            yield from evenly(whole, fewest)
        else:
            yield from batches


def stretches(stale: Sequence[PlannedMonth], waiting: Sequence[Batch]) -> Iterator[list[Piece]]:
    """The pieces that follow one another without a gap."""
    stretch: list[Piece] = []
    for month in stale:
        there = [batch for batch in waiting if overlap(batch, month.part)]
        for days in without(month.part, there):
            piece = Piece(days, month.rows > 0, bool(there))
            if stretch and (piece.is_rest or stretch[-1].is_rest or stretch[-1].days.end != days.start):
                yield stretch
                stretch = []
            stretch.append(piece)
    if stretch:
        yield stretch


def in_months(stretch: Sequence[Piece], most: int) -> Iterator[Batch]:
    """Batches that end where months do."""
    taken: list[Piece] = []
    for piece in stretch:
        if taken and sum(other.has_rows for other in [*taken, piece]) > most:
            yield joined([other.days for other in taken])[0]
            taken = []
        taken.append(piece)
    yield joined([other.days for other in taken])[0]


def evenly(interval: Batch, parts: int) -> Iterator[Batch]:
    """So many batches of about the same days.

    >>> from datetime import date
    >>> from measure_cli.batches import month_of
    >>> [length(batch) for batch in evenly(month_of(date(2024, 3, 1)), 3)]
    [10, 10, 11]
    """
    bounds = [interval.start + timedelta(days=length(interval) * number // parts) for number in range(parts)]
    for start, end in zip(bounds, [*bounds[1:], interval.end], strict=True):
        yield Batch(start, end)
