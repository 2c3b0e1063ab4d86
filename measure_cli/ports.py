"""What an engine offers to whoever runs statements: the protocols that adapters keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from measure_cli.results import Table
from measure_cli.types import Load, Statement

ROWS_TABLE = "rows"  # what the table in a file that `unload` writes is called
Columns = Sequence[tuple[str, str]]  # names with DuckDB types


class Session(Protocol):
    """One connection to a target; used by one thread at a time."""

    def execute(self, statement: Statement) -> None:
        """Run a statement for its effect."""

    def query(self, statement: Statement) -> Table:
        """Run a statement and fetch all of its rows."""

    def load(self, load: Load) -> None:
        """Fill a table from local files."""

    def unload(self, statement: Statement, columns: Columns, file: Path) -> None:
        """Write the rows of a SELECT, whose columns are told, into a new DuckDB file, in bounded memory."""

    def transaction(self, statements: Sequence[Statement]) -> Sequence[int] | None:
        """Run all statements in order; all or none of them where the engine can.

        Returns how many rows each of them inserted, None where that is not known. An `EngineError` carries the
        statement that failed.
        """

    def close(self) -> None:
        """Give the connection back."""


class Engine(Protocol):
    """A database that holds a target."""

    def session(self) -> Session:
        """A new connection to the same target."""

    def relations(self) -> Mapping[tuple[str, str], str]:
        """What exists: (place, name) -> "table" or "view"."""

    def columns(self, table: str) -> Mapping[str, str]:
        """The columns of a table or view, named as a person writes it, with DuckDB types; empty when there is none."""

    def fingerprint(self, table: str) -> str:
        """Changes when a row of a table changes: a count and an order-free hash of its rows, in one scan."""

    def interrupt(self) -> None:
        """Ask every running statement of every session to stop. May be called from another thread."""

    def close(self) -> None:
        """Close every session; the target stays consistent."""
