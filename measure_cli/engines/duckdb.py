"""DuckDB, embedded: one file, one process that writes.

Driver errors become ours here, by exception class; only a locked file has no class of its own. Sessions are cursors
of one connection, so several threads can work on the same file at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from measure_cli.engines.siphash import need_packages, register_siphash
from measure_cli.errors import Cancelled, EngineError, MeasureError, OutOfMemory, ProjectError, TargetBusy, Transient
from measure_cli.ports import ROWS_TABLE, Columns
from measure_cli.results import Table
from measure_cli.secrets import NO_SECRETS, PII_SIPHASH_KEY, Secrets
from measure_cli.sqltext import literal, table_text
from measure_cli.types import INTERNAL_FILE, Load, Project, Statement, Value

# DuckDB tells these by text only, in the words of the system.
NO_WRITING = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
INSERT = "INSERT INTO "  # answered with the number of rows
LOG_SIZE = "256MB"  # of what is written into the file at once; DuckDB's own 16 MB make batches wait for each other
UNLOADED = "measure_unloaded"  # what a file that receives rows is attached as


@contextlib.contextmanager
def our_errors() -> Iterator[None]:
    """Raise our errors from DuckDB's."""
    try:
        yield
    except duckdb.Error as error:
        raise translated(error) from error


def translated(error: duckdb.Error, secrets: Secrets = NO_SECRETS) -> EngineError:
    """Our error for one of DuckDB's, without secret values."""
    text = secrets.scrub(first_lines(error))
    if any(reason in text for reason in NO_WRITING):  # among them commits that fail, which look as if worth a retry
        return EngineError(text, "Make room there or make it writable, then run the same command again.")
    match error:
        case duckdb.OutOfMemoryException():
            return OutOfMemory(text, 'Raise memory_limit of the target, or lower "threads".')
        case duckdb.InterruptException():
            return Cancelled("the statement was cancelled")
        case duckdb.TransactionException():
            return Transient(text)
    return EngineError(text)


def first_lines(error: Exception, most: int = 8) -> str:
    """A driver's message without its longest part, the statement."""
    return "\n".join(line for line in str(error).strip().splitlines()[:most] if line.strip())


class DuckDBSession:
    """One cursor. Used by one thread at a time."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, secrets: Secrets, forget: Callable[[DuckDBSession], None]
    ) -> None:
        self._connection = connection
        self._secrets = secrets
        self._forget = forget

    def execute(self, statement: Statement) -> None:
        """Run a statement for its effect."""
        with our_errors():
            self._run(statement)

    def query(self, statement: Statement) -> Table:
        """Run a statement and fetch all of its rows."""
        with our_errors():
            cursor = self._run(statement)
            columns = tuple(column[0] for column in cursor.description or ())
            return Table(columns, tuple(cursor.fetchall()))

    def load(self, load: Load) -> None:
        """Append rows that DuckDB reads from files itself."""
        self.execute(Statement(f"INSERT INTO {load.table}\n{load.select}"))

    def unload(self, statement: Statement, columns: Columns, file: Path) -> None:
        """Copy the rows of a SELECT into a file that is attached for it; DuckDB knows their types best."""
        del columns
        copied = f"CREATE TABLE {UNLOADED}.{ROWS_TABLE} AS\n{statement.sql}"
        self.execute(Statement(f"ATTACH {literal(str(file))} AS {UNLOADED} (READ_WRITE)"))
        try:
            self.execute(replace(statement, sql=copied))
        finally:
            self.execute(Statement(f"DETACH {UNLOADED}"))

    def transaction(self, statements: Sequence[Statement]) -> list[int]:
        """Run all statements, or none; returns the rows that each inserted. An `EngineError` carries what failed."""
        with our_errors():
            self._connection.begin()
            try:
                inserted = [self._inserted(statement) for statement in statements]
                self._connection.commit()
            except BaseException:
                with contextlib.suppress(duckdb.Error):  # a failed COMMIT has rolled back already
                    self._connection.rollback()
                raise
        return inserted

    def _inserted(self, statement: Statement) -> int:
        try:
            with our_errors():
                cursor = self._run(statement)
                counted = cursor.fetchone() if statement.sql.startswith(INSERT) else None
                return int(counted[0]) if counted else 0
        except EngineError as error:
            error.statement = statement
            raise

    def _run(self, statement: Statement) -> duckdb.DuckDBPyConnection:
        if not statement.secrets:
            return self._connection.execute(statement.sql, dict(statement.parameters) or None)
        values = {**statement.parameters, **self._secrets.bound(statement.secrets)}
        try:
            return self._connection.execute(statement.sql, values)
        except duckdb.Error as error:
            ours = translated(error, self._secrets)
        raise ours  # outside of the handler: the driver's error may quote a value, so ours does not carry it along

    def interrupt(self) -> None:
        """Stop what the session is running. Callable from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Give the cursor back."""
        self._forget(self)
        self._connection.close()


class DuckDBEngine:
    """An open DuckDB file, with the values that statements may bind by name."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, secrets: Secrets = NO_SECRETS) -> None:
        self._connection = connection
        self._secrets = secrets
        self._sessions: set[DuckDBSession] = set()
        self._lock = threading.Lock()

    def session(self) -> DuckDBSession:
        """A new cursor on the same file."""
        session = DuckDBSession(self._connection.cursor(), self._secrets, self._forget)
        with self._lock:
            self._sessions.add(session)
        return session

    def _forget(self, session: DuckDBSession) -> None:
        with self._lock:
            self._sessions.discard(session)

    def relations(self) -> Mapping[tuple[str, str], str]:
        """What exists: (schema, name) -> "table" or "view"."""
        sql = (
            "SELECT database_name = current_database(), schema_name, table_name, 'table' FROM duckdb_tables() "
            "UNION ALL SELECT database_name = current_database(), schema_name, view_name, 'view' FROM duckdb_views() "
            "WHERE NOT internal"
        )
        with our_errors():
            rows = self._connection.cursor().execute(sql).fetchall()
        return {(schema if own else f"{INTERNAL_FILE}.{schema}", name): kind for own, schema, name, kind in rows}

    def columns(self, table: str) -> Mapping[str, str]:
        """The columns of a table or view with their types; empty when there is none."""
        try:
            rows = self._connection.cursor().execute(f"DESCRIBE SELECT * FROM {table_text(table)}").fetchall()
        except duckdb.CatalogException:
            return {}
        except duckdb.Error as error:
            raise translated(error) from error
        return {row[0]: row[1] for row in rows}

    def fingerprint(self, table: str) -> str:
        """A count and an order-free hash of a table's rows, in one scan."""
        with our_errors():
            sql = f"SELECT count(*), sum(hash(t)) FROM {table_text(table)} AS t"
            return str(self._connection.cursor().execute(sql).fetchone())

    def interrupt(self) -> None:
        """Stop every running statement."""
        with self._lock:
            for session in self._sessions:
                session.interrupt()

    def close(self) -> None:
        """Close the file."""
        with our_errors():
            for session in tuple(self._sessions):
                session.close()
            self._connection.close()


def open_duckdb(
    project: Project, read_only: bool = False, secrets: Secrets = NO_SECRETS, with_internal: bool = False
) -> DuckDBEngine:
    """Open the file of a project's target; it is created, with its folder, unless `read_only`.

    `with_internal` attaches the second file, in which the internal relations stand.

    Raises:
        TargetBusy: another process holds the file.
        ProjectError: the file cannot be opened or created, or a setting is refused; nothing was touched.
    """
    file, target = project.target_file, project.target
    if PII_SIPHASH_KEY in secrets:
        need_packages()
    config: dict[str, Value] = {}
    for key in ("memory_limit", "threads"):
        if (value := target.settings.get(key)) is not None:
            config[key] = value
    is_there = file.exists()
    try:
        if not read_only:
            file.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(file), read_only=read_only, config=config)  # type: ignore[arg-type]
    except OSError as error:
        raise ProjectError(f"{target.settings['path']}: the folder cannot be created: {error.strerror}") from error
    except duckdb.Error as error:
        ours = opening_error(str(target.settings["path"]), error)
        if not is_there and not read_only and not isinstance(ours, TargetBusy):  # half a file could never be opened
            file.unlink(missing_ok=True)
        raise ours from error
    with our_errors():
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        # What the log holds is in memory, too, and blocks that are written late may carry what stood in memory before.
        if "memory_limit" not in config and not with_internal and secrets == NO_SECRETS:
            connection.execute(f"SET checkpoint_threshold = '{LOG_SIZE}'")
        if (directory := target.settings.get("temp_directory")) is not None:
            folder = str(project.path(str(directory))) if directory else ""  # empty: nothing is written aside
            connection.execute(f"SET temp_directory = {literal(folder)}")
        if PII_SIPHASH_KEY in secrets:
            register_siphash(connection)
        if with_internal:
            second = literal(str(project.internal_file))
            connection.execute(f"ATTACH {second} AS {INTERNAL_FILE}{' (READ_ONLY)' if read_only else ''}")
    return DuckDBEngine(connection, secrets)


def opening_error(path: str, error: duckdb.Error) -> MeasureError:
    """Why a file could not be opened."""
    text = first_lines(error, 2)
    busy = any(words in text.lower() for words in ("lock", "another process", "different process"))
    if isinstance(error, duckdb.IOException) and busy:
        return TargetBusy(
            f"{path} is open in another process: {text}", "Close it there, or wait until that run is over."
        )
    if "replaying WAL" in text:
        return ProjectError(
            f"{path} cannot be opened: {text}",
            "Its log was cut off, as by a loss of power. Move the .wal file away: the database is then what it was "
            "when the log began, and `measure refresh` builds what is missing.",
        )
    if isinstance(error, duckdb.IOException | duckdb.SerializationException | duckdb.CatalogException):
        return ProjectError(f"{path} cannot be opened: {text}")
    return ProjectError(f"{path}: {text}")
