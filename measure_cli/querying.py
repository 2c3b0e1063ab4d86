"""One question to a target in SQL: what may be asked of it, and whom. Nothing here prints.

The project's models are not compiled: what stands in the target can be read whatever their state.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol

from measure_cli.connecting import engine_kind, need_target
from measure_cli.errors import PlanError, ProjectError
from measure_cli.kinds import EngineKind
from measure_cli.project import load_project
from measure_cli.request import Request, signals_raise
from measure_cli.results import Answer
from measure_cli.stack import load_stack
from measure_cli.types import Project
from measure_cli.workers import join

FROM_STDIN = "-"


class Reader(Protocol):
    """A connection that can only read public relations of a target; whatever statement it is given."""

    def read(self, sql: str, most: int) -> Answer:
        """Run one reading statement and fetch its first rows."""

    def interrupt(self) -> None:
        """Stop what runs. May be called from another thread."""

    def close(self) -> None:
        """Give the connection back."""


def query(request: Request, sql: str, limit: int) -> Answer:
    """The first rows of one reading statement on the target; `-` reads the statement from stdin.

    Raises:
        PlanError: the statement is refused or malformed, or the target is not there.
        EngineError: the statement failed while it ran.
        TargetBusy: another process holds the target.
        Interrupted: a signal stopped it.
    """
    with signals_raise():
        statement = statement_of(sql)
        project = load_project(request.overrides)
        need_target(project)
        refuse_exposed(project)
        reader = open_reader(project)
        try:
            return read_in_thread(reader, statement, limit)
        finally:
            reader.close()


def statement_of(given: str) -> str:
    """The text of a statement as it was given, or from stdin.

    Raises:
        ProjectError: it is no text in UTF-8, or empty.
    """
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig") if given == FROM_STDIN else given
        text.encode()  # bytes of an argument that are no UTF-8 have become surrogates
    except UnicodeError:
        raise ProjectError("the statement is not text in UTF-8") from None
    if not text.strip():
        raise ProjectError("the statement is empty", 'For example: measure query "SHOW ALL TABLES"')
    return text


def refuse_exposed(project: Project) -> None:
    """A table of the target that holds identifiers cannot be hidden from a statement.

    Raises:
        PlanError: a source with identifiers is such a table.
    """
    stack = load_stack(project)
    for name, source in project.sources.items():
        declared = stack.sources.get(name)
        if source.table and declared and any(column.identifier for column in declared.columns):
            raise PlanError(
                f"{source.place}: source {name} holds identifiers and is the table {source.table} of this target, "
                "where a query could read it",
                f'Read that source from a file: [sources.{name}] path = "..."',
            )


def open_reader(project: Project) -> Reader:
    """The reader of a target.

    Raises:
        PlanError: the engine has none.
    """
    kind = engine_kind(project)
    if kind is not EngineKind.DUCKDB:
        raise PlanError(
            f"query reads DuckDB; the target {project.target.name} is {kind}",
            "Use the client of the warehouse; measure show prints the first rows of a relation.",
        )
    from measure_cli.engines.duckdb_query import open_reader as open_duckdb_reader

    return open_duckdb_reader(project)


def read_in_thread(reader: Reader, sql: str, limit: int) -> Answer:
    """Read in another thread, so that a signal is seen at once; it stops the statement."""
    with ThreadPoolExecutor(1, thread_name_prefix="measure") as pool:
        future = pool.submit(reader.read, sql, limit)
        try:
            return join(future)
        except BaseException:
            while not wait([future], timeout=0.05).done:  # an interrupt before the statement starts takes no effect
                reader.interrupt()
            raise
