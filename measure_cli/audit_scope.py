"""Counts the offending rows of a relation: all of them or, of one that is refreshed, only where something can be new.

When the months that are replaced are clean, and those that stay were, so is everything. When anything is found, all is
counted as if nothing were known: what is reported never depends on what a refresh has looked at. An interval that is
too large for memory is halved, down to a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from measure_cli.batches import BATCH_END, BATCH_START, BatchPlan, days_of, halves, joined, month_of
from measure_cli.errors import OutOfMemory
from measure_cli.ports import Session
from measure_cli.types import AuditParts, AuditStep, Batch, Statement


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows offend; `is_clean` if it is proven of every part that none does.

    `only` is an interval with offending rows, when not all rows could be counted.
    """

    failures: int
    is_clean: bool = False
    only: Batch | None = None


def look(session: Session, audit: AuditStep, plan: BatchPlan | None) -> Found:
    """Count the rows that offend; `plan` says what a refresh has replaced."""
    parts, every = audit.parts, months_of(plan)
    if parts is None or plan is None or not every:
        return Found(counted(session, audit.count))
    is_all, whole = plan.is_full or not parts.is_clean, Batch(every[0].start, every[-1].end)
    if is_all and parts.spread and (found := look_at_once(session, audit, parts.spread, whole)):
        return found
    if parts.by_month and (is_all or not parts.by_row):  # what a month can see is less than what several can
        months = every if is_all else [month.batch for month in plan.months]
        pieces = held_months(session, parts, months)
    else:
        pieces = joined(every if is_all else [month.part for month in plan.months])
    is_proof = parts.by_month or not is_all
    if is_proof and is_spotless(session, parts, pieces, whole):
        return Found(0, is_clean=True)
    try:
        failures = counted(session, audit.count)
    except OutOfMemory:
        return by_pieces(session, parts, pieces, is_proof or plan.is_full)
    return Found(failures, is_clean=not failures and not parts.by_month)


def look_at_once(session: Session, audit: AuditStep, spread: Statement, whole: Batch) -> Found | None:
    """Where every group lies in one month, all of them at once prove what the months do; None where they do not."""
    assert audit.parts is not None
    try:
        if has_strays(session, audit.parts, whole) or counted(session, spread):
            return None
        failures = counted(session, audit.count)
    except OutOfMemory:
        return None
    return Found(failures, is_clean=not failures)


def months_of(plan: BatchPlan | None) -> Sequence[Batch]:
    """Every month that may hold rows, as far as it may."""
    months = [*(month.batch for month in plan.months), *plan.held] if plan else []
    return sorted(months, key=lambda month: month.start)


def held_months(session: Session, parts: AuditParts, months: Sequence[Batch]) -> Sequence[Batch]:
    """The months in which there is anything to be looked at: a stray row of 1970 makes for hundreds that are empty."""
    found = {day for statement in parts.days for day in days_of(session.query(statement))}
    starts = {month_of(day).start for day in found if day is not None}
    return [month for month in months if month_of(month.start).start in starts]


def is_spotless(session: Session, parts: AuditParts, pieces: Sequence[Batch], whole: Batch) -> bool:
    """Whether nothing is found in any piece, and there are no rows outside of all months."""
    clean = not has_strays(session, parts, whole)
    return clean and not any(failures for _, failures in found_in(session, parts.count, pieces))


def has_strays(session: Session, parts: AuditParts, whole: Batch) -> bool:
    """Whether there are rows outside of all months."""
    return any(counted(session, at(statement, whole)) for statement in parts.strays)


def by_pieces(session: Session, parts: AuditParts, pieces: Sequence[Batch], is_proof: bool) -> Found:
    """Add up what is found in the pieces, where everything at once does not fit into memory."""
    found = dict(found_in(session, parts.count, pieces))
    first = next((piece for piece, failures in found.items() if failures), None)
    return Found(sum(found.values()), is_clean=is_proof and first is None, only=first)


def found_in(session: Session, count: Statement, pieces: Sequence[Batch]) -> Iterator[tuple[Batch, int]]:
    """What is found in each interval; those that are too large for memory are cut."""
    for piece in pieces:
        try:
            yield piece, counted(session, at(count, piece))
        except OutOfMemory:
            parts = halves(piece)
            if parts is None:
                raise
            yield from found_in(session, count, parts)


def at(statement: Statement, piece: Batch) -> Statement:
    """A statement with the bounds of an interval."""
    bounds = {BATCH_START: str(piece.start), BATCH_END: str(piece.end)}
    return replace(statement, parameters={**statement.parameters, **bounds})


def counted(session: Session, count: Statement) -> int:
    """The number that a statement returns."""
    return int(session.query(count).rows[0][0])
