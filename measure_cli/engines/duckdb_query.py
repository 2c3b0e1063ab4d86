"""DuckDB for statements that anybody may write: one file, open for reading, locked before the statement is looked at.

What keeps a statement from everything else are DuckDB's own settings, none of which can be changed afterwards, not the
text of the statement:

- `access_mode` is read-only: nothing in the file changes.
- `disabled_filesystems`: no file is opened any more, not even the database itself under its own name. Without it
  `enable_external_access = false` leaves that file, its log and the folder for temporary files readable and writable
  (seen in DuckDB 2.0.0: COPY overwrites a database that is open read-only).
- no folder for temporary files: a statement has the target's `memory_limit` and nothing beyond it.
- no extensions, no stored credentials, no Python variables as tables.

That only one statement runs, and only one that reads, is asked of DuckDB's own parser: a variable or a temporary table
would do no harm, but is not what the command is for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import duckdb

from measure_cli.engines.duckdb import first_lines, opening_error, translated
from measure_cli.errors import EngineError, OutOfMemory, PlanError
from measure_cli.results import Answer, Table
from measure_cli.types import Project, Value

# PIVOT without a list of values is several statements for DuckDB: it looks up the values first.
READING = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)
MALFORMED = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.NotImplementedException,
)
ONE_READING = "Write one SELECT, WITH, FROM, VALUES, PIVOT, DESCRIBE, SHOW or SUMMARIZE; query changes nothing."
NO_FILES = (
    "It names a file, or a view over a source that is read in place. `measure show` shows rows of such a view; "
    "a model with config(materialized='table') can be queried."
)
CONTEXT_LINES = 2
MOST_LINES = 6


class DuckDBReader:
    """A locked connection that answers one statement at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def read(self, sql: str, most: int) -> Answer:
        """Run one reading statement and fetch its first rows.

        Raises:
            PlanError: it is not one reading statement, or names what is not there.
            EngineError: it failed while it ran.
        """
        with refused():
            cursor = self._connection.execute(self._one_statement(sql))
            described = [(str(name), str(kind)) for name, kind, *_ in cursor.description or ()]
            rows = cursor.fetchmany(most + 1)
        table = Table(tuple(name for name, _ in described), tuple(rows[:most]))
        return Answer(table, tuple(kind for _, kind in described), len(rows) > most)

    def _one_statement(self, sql: str) -> duckdb.Statement:
        statements = self._connection.extract_statements(sql)
        if not statements:
            raise PlanError("found no SQL, expected one SELECT")
        if len(statements) > 1:
            raise PlanError(f"found {len(statements)} statements, expected one", ONE_READING)
        (statement,) = statements
        if (kind := kind_of(statement)) not in READING:
            found = f"the statement {kind.name}" if kind else "another statement"
            raise PlanError(f"found {found}, expected one that reads", ONE_READING)
        if statement.named_parameters:
            raise PlanError(f"nothing gives a value for: {', '.join(sorted(statement.named_parameters))}")
        return statement

    def interrupt(self) -> None:
        """Stop what runs. Callable from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def open_reader(project: Project) -> DuckDBReader:
    """A reader of a project's target."""
    return DuckDBReader(locked_connection(project))


def locked_connection(project: Project) -> duckdb.DuckDBPyConnection:
    """The file of a target, open for reading, with everything else locked away.

    Raises:
        TargetBusy: another process holds the file.
        ProjectError: the file cannot be opened, or a setting is refused.
    """
    target = project.target
    config: dict[str, Value] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
    }
    config |= {key: value for key in ("memory_limit", "threads") if (value := target.settings.get(key)) is not None}
    try:
        connection = duckdb.connect(str(project.target_file), read_only=True, config=config)  # type: ignore[arg-type]
    except duckdb.Error as error:
        raise opening_error(str(target.settings["path"]), error) from error
    for setting in (
        "TimeZone = 'UTC'",
        "temp_directory = ''",
        "enable_external_access = false",  # looks at the file once more, so it comes before the next one
        "disabled_filesystems = 'LocalFileSystem'",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def kind_of(statement: duckdb.Statement) -> duckdb.StatementType | None:
    """The kind of a statement; None for one that the driver has no name for."""
    try:
        return statement.type
    except ValueError:
        return None


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Our errors for DuckDB's: a statement that cannot run is the user's mistake, one that fails on the way is not."""
    try:
        yield
    except duckdb.Error as error:
        raise our_error(error) from error


def our_error(error: duckdb.Error) -> PlanError | EngineError:
    """Our error for one of DuckDB's; what follows its first line, such as the place in the SQL, is the hint."""
    head, *rest = [line for line in str(error).strip().splitlines() if line.strip()]
    match error:
        case duckdb.PermissionException():
            return PlanError("the statement needs a file, and query opens none", NO_FILES)
        case duckdb.OutOfMemoryException():
            return OutOfMemory(
                first_lines(error, 1), "A query keeps everything in memory: raise memory_limit of the target."
            )
        case duckdb.InterruptException():
            return translated(error)
    if len(rest) > MOST_LINES:  # long lists of candidates; the place in the SQL stands below them
        rest = [*rest[: MOST_LINES - CONTEXT_LINES], *rest[-CONTEXT_LINES:]]
    known = PlanError if isinstance(error, MALFORMED) else EngineError
    return known(head, "\n".join(rest) or None)
