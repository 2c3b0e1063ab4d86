"""Snowflake as far as it runs here: an emulator in this process, reached through the adapter.

It parses with sqlglot and runs on DuckDB: it shows that statements are accepted and return what they should, but not
that Snowflake itself would agree. Emulators cannot be nested, so every fixture of one lives for one module.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import fakesnow
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.cursor import FakeSnowflakeCursor
from snowflake.connector import errors

from measure_cli.engines.snowflake import open_snowflake
from measure_cli.engines.snowflake_session import SnowflakeEngine
from measure_cli.secrets import NO_SECRETS, Secrets
from measure_cli.types import Project, Target, Value

PASSWORD = "not-a-password"
EXECUTE = FakeSnowflakeCursor.execute
SETTINGS: dict[str, Value] = {"account": "acme", "user": "measure", "database": "ANALYTICS"}


def project_on(root: Path, **settings: Value) -> Project:
    """A project with one target on Snowflake."""
    target = Target("sf", "snowflake", {**SETTINGS, **settings})
    return Project("acme", root, "starter", target, date(2025, 6, 30), {}, {})


def execute_with_locks(cursor: FakeSnowflakeCursor, *arguments: Any, **options: Any) -> FakeSnowflakeCursor:
    """Of two transactions that change the same row Snowflake lets one wait, and gives up after a while: error 625.

    The emulator gives up at once, with an error of DuckDB.
    """
    try:
        return EXECUTE(cursor, *arguments, **options)
    except duckdb.TransactionException as error:
        raise errors.ProgrammingError(msg=str(error), errno=625, sqlstate="57014") from error


@contextlib.contextmanager
def emulated(target: str = "SF") -> Iterator[None]:
    """The driver connects to an emulator that begins empty; the target has a password."""
    with warnings.catch_warnings(), mock.patch.dict("os.environ", {f"MEASURE_{target}_PASSWORD": PASSWORD}):
        warnings.simplefilter("ignore")
        # Connections to Snowflake have a number, by which what they run can be cancelled.
        numbered = mock.patch.object(FakeSnowflakeConnection, "session_id", 0, create=True)
        locked = mock.patch.object(FakeSnowflakeCursor, "execute", execute_with_locks)
        with numbered, locked, fakesnow.patch():
            yield


@contextlib.contextmanager
def opened(root: Path, secrets: Secrets = NO_SECRETS, **settings: Value) -> Iterator[SnowflakeEngine]:
    """The engine of a target, closed at the end."""
    engine = open_snowflake(project_on(root, **settings), secrets=secrets)
    try:
        yield engine
    finally:
        engine.close()
