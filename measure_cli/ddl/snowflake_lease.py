"""The lease on Snowflake, where only statements that change rows are part of a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from measure_cli.ddl.leases import RowLease
from measure_cli.snowflake_text import changes_rows
from measure_cli.types import Statement

NOW = "SYSDATE()"


def snowflake_lease(table: str, made: tuple[Statement, ...]) -> RowLease:
    """The lease in a table."""
    return RowLease(table, made, NOW, lambda milliseconds: f"DATEADD('millisecond', {milliseconds}, {NOW})", fence)


def fence(reads: Statement, keeps: Statement, statements: Sequence[Statement]) -> list[Statement]:
    """Changes of rows end with a check that keeps the row until they are committed; others have one before each."""
    fenced: list[Statement] = []
    for is_together, group in groupby(statements, lambda statement: changes_rows(statement.sql)):
        if is_together:
            fenced += [*group, keeps]
        else:
            fenced += [each for statement in group for each in (reads, statement)]
    return fenced
