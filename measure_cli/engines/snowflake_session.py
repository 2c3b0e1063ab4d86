"""Snowflake: one connection per session, because a transaction belongs to a connection.

Values are bound by the server (`?`), never written into the text of a query. Sources are uploaded as Parquet. Names
come back in lower case.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from snowflake.connector import SnowflakeConnection, errors
from snowflake.connector.cursor import ResultMetadata, SnowflakeCursor

from measure_cli.engines.parquet import typed_parquet
from measure_cli.engines.rows_file import BATCH_ROWS, write_columns
from measure_cli.engines.snowflake_errors import is_missing, with_our_errors
from measure_cli.errors import EngineError
from measure_cli.ports import Columns
from measure_cli.results import Table
from measure_cli.secrets import Secrets
from measure_cli.snowflake_text import (
    changes_rows,
    copy_text,
    put_text,
    snowflake_identifier,
    snowflake_literal,
    snowflake_name,
    unfolded,
)
from measure_cli.sqltext import split_placeholders
from measure_cli.types import Load, Statement

T = TypeVar("T")

# Numbers by which the driver tells types -> DuckDB's names; 0 is NUMBER, see `duckdb_type`.
TYPES: Mapping[int, str] = {
    1: "DOUBLE", 2: "VARCHAR", 3: "DATE", 4: "TIMESTAMP", 5: "JSON", 6: "TIMESTAMP WITH TIME ZONE",
    7: "TIMESTAMP WITH TIME ZONE", 8: "TIMESTAMP", 9: "JSON", 10: "JSON", 11: "BLOB", 12: "TIME", 13: "BOOLEAN",
}  # fmt: skip
BIGINT_DIGITS = 19


class SnowflakeSession:
    """One connection. Used by one thread at a time."""

    def __init__(
        self, connection: SnowflakeConnection, secrets: Secrets, forget: Callable[[SnowflakeSession], None]
    ) -> None:
        self.connection = connection
        self._secrets = secrets
        self._forget = forget
        self.stop_reading: Callable[[], None] = lambda: None

    def execute(self, statement: Statement) -> None:
        """Run a statement for its effect."""
        self._on_cursor(lambda cursor: self._send(cursor, statement))

    def query(self, statement: Statement) -> Table:
        """Run a statement and fetch all of its rows."""

        def fetched(cursor: SnowflakeCursor) -> Table:
            self._send(cursor, statement)
            columns = tuple(unfolded(column.name) for column in cursor.description or ())
            return Table(columns, tuple(tuple(map(plain, row)) for row in cursor.fetchall()))

        return self._on_cursor(fetched)

    def load(self, load: Load) -> None:
        """Fill a table from local files, by way of a Parquet file with its exact types."""
        with TemporaryDirectory(prefix="measure-") as folder:
            try:
                file = typed_parquet(load, Path(folder) / "rows.parquet", self._reads)
            finally:
                self._reads(lambda: None)
            self.execute(Statement(put_text(load.table, file.as_posix())))
            self.execute(Statement(copy_text(load.table)))

    def unload(self, statement: Statement, columns: Columns, file: Path) -> None:
        """Write the rows of a SELECT into a DuckDB file, batch by batch."""

        def unloaded(cursor: SnowflakeCursor) -> None:
            self._send(cursor, statement)
            batches = iter(lambda: cursor.fetchmany(BATCH_ROWS), [])
            write_columns(file, columns, ([*zip(*(map(plain, row) for row in rows), strict=True)] for rows in batches))

        self._on_cursor(unloaded)

    def _reads(self, stop: Callable[[], None]) -> None:
        self.stop_reading = stop

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run all statements in order; neighbours that change rows all or none.

        Snowflake commits at every definition of a relation, and is not in a transaction after it, so a transaction
        around all of them would leave what follows unprotected.
        """
        for is_together, group in groupby(statements, lambda statement: changes_rows(statement.sql)):
            if is_together:
                self._together(tuple(group))
            else:
                for statement in group:
                    self._execute(statement)

    def _together(self, statements: Sequence[Statement]) -> None:
        self.execute(Statement("BEGIN"))
        try:
            for statement in statements:
                self._execute(statement)
            self.execute(Statement("COMMIT"))
        except BaseException:
            with contextlib.suppress(EngineError):
                self.execute(Statement("ROLLBACK"))
            raise

    def _execute(self, statement: Statement) -> None:
        try:
            self.execute(statement)
        except EngineError as error:
            error.statement = statement
            raise

    def _on_cursor(self, action: Callable[[SnowflakeCursor], T]) -> T:
        def with_cursor() -> T:
            with contextlib.closing(self.connection.cursor()) as cursor:
                return action(cursor)

        return with_our_errors(with_cursor, self._secrets)

    def _send(self, cursor: SnowflakeCursor, statement: Statement) -> None:
        values = {**statement.parameters, **self._secrets.bound(statement.secrets)}
        pieces = split_placeholders(statement.sql, backslash_escapes=True)
        if missing := [name for name in pieces[1::2] if name not in values]:
            raise EngineError(f"the statement has no value for {', '.join(missing)}")
        cursor.execute("?".join(pieces[::2]), [values[name] for name in pieces[1::2]] or None)

    def close(self) -> None:
        """End the session."""
        self._forget(self)
        with_our_errors(self.connection.close, self._secrets)


class SnowflakeEngine:
    """A database of an account, with the values that statements may bind by name."""

    def __init__(
        self, connect: Callable[[], SnowflakeConnection], database: str, prefix: str, secrets: Secrets
    ) -> None:
        self._connect = connect
        self._database = database
        self._prefix = prefix
        self._secrets = secrets
        self._sessions: set[SnowflakeSession] = set()
        self._lock = threading.Lock()
        self._own = self.session()

    def session(self) -> SnowflakeSession:
        """A new connection to the same database."""
        connection = with_our_errors(self._connect, self._secrets)
        session = SnowflakeSession(connection, self._secrets, self._forget)
        with self._lock:
            self._sessions.add(session)
        return session

    def _forget(self, session: SnowflakeSession) -> None:
        with self._lock:
            self._sessions.discard(session)

    def relations(self) -> Mapping[tuple[str, str], str]:
        """What exists in the schemas of this target: (place, name) -> "table" or "view"."""
        catalog = snowflake_name(f"{self._database}.information_schema")
        sql = (
            f"SELECT table_schema, table_name, 'table' FROM {catalog}.tables WHERE table_type LIKE '%TABLE%' "
            f"UNION ALL SELECT table_schema, table_name, 'view' FROM {catalog}.views"
        )
        return {
            (f"{self._database}.{unfolded(schema)}", unfolded(name)): kind
            for schema, name, kind in self._own.query(Statement(sql)).rows
            if unfolded(schema).startswith(self._prefix) and unfolded(schema) != "information_schema"
        }

    def columns(self, table: str) -> Mapping[str, str]:
        """The columns of a table or view with DuckDB's types; empty when there is none. Nothing is executed."""

        def described() -> Sequence[ResultMetadata]:
            with contextlib.closing(self._own.connection.cursor()) as cursor:
                try:
                    return cursor.describe(f"SELECT * FROM {snowflake_name(table)}")
                except errors.Error as error:
                    if is_missing(error):
                        return ()
                    raise

        found = with_our_errors(described, self._secrets)
        return {unfolded(column.name): duckdb_type(column) for column in found}

    def fingerprint(self, table: str) -> str:
        """A count and an order-free hash of a table's rows, in one scan."""
        columns = ", ".join(map(snowflake_identifier, self.columns(table)))
        rows = self._own.query(Statement(f"SELECT COUNT(*), SUM(HASH({columns})) FROM {snowflake_name(table)}")).rows
        return str(rows[0])

    def interrupt(self) -> None:
        """Cancel what every session runs, from a connection of its own."""
        with self._lock:
            sessions = tuple(self._sessions)
        for session in sessions:
            session.stop_reading()
        with contextlib.suppress(EngineError):
            canceller = self.session()
            for session in sessions:
                number = snowflake_literal(session.connection.session_id)
                with contextlib.suppress(EngineError):
                    canceller.query(Statement(f"SELECT SYSTEM$CANCEL_ALL_QUERIES({number})"))
            canceller.close()

    def close(self) -> None:
        """End every session."""
        for session in tuple(self._sessions):
            session.close()


def plain(value: Any) -> Any:
    """A value as DuckDB's driver returns it: whole numbers as int, timestamps in UTC without a zone."""
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return int(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def duckdb_type(column: ResultMetadata) -> str:
    """DuckDB's name for the type of a column of a result."""
    if column.type_code in TYPES:
        return TYPES[column.type_code]
    precision, scale = column.precision or 38, column.scale or 0
    if scale:
        return f"DECIMAL({precision},{scale})"
    return "BIGINT" if precision <= BIGINT_DIGITS else "HUGEINT"
