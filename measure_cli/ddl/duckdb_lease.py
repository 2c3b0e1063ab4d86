"""The lease on DuckDB, where nobody takes it but from a dead process: reading it is enough of a check."""

from __future__ import annotations

from collections.abc import Sequence

from measure_cli.ddl.leases import RowLease
from measure_cli.types import Statement

NOW = "CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP)"


def duckdb_lease(table: str, made: tuple[Statement, ...]) -> RowLease:
    """The lease in a table."""
    return RowLease(table, made, NOW, lambda milliseconds: f"{NOW} + to_milliseconds({milliseconds})", fence)


def fence(reads: Statement, keeps: Statement, statements: Sequence[Statement]) -> list[Statement]:
    """To change the row would fail when it was renewed since the transaction began, and in that of another file."""
    del keeps
    return [reads, *statements]
