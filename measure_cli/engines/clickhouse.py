"""ClickHouse: a server over HTTP, or chDB, the same engine inside of this process. One adapter for both.

chDB takes one folder a process, and one process a folder. Packages are extras, so they are loaded when a target needs
them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from measure_cli.clickhouse_text import DATA_SUFFIX, clickhouse_literal, duckdb_type
from measure_cli.engines.clickhouse_connect import (
    connection_settings,
    embedded_folder,
    host_and_port,
    password_variable,
    server_text,
    session_settings,
)
from measure_cli.errors import MeasureError, ProjectError, TargetBusy
from measure_cli.secrets import NO_SECRETS, Secrets
from measure_cli.sqltext import table_text
from measure_cli.types import Project, Statement

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from measure_cli.engines.clickhouse_session import ClickHouseSession

__all__ = ["ClickHouseEngine", "embedded_folder", "open_clickhouse"]

AUTHENTICATION_FAILED = 516
STDERR = 2
SYSTEM = ("system", "information_schema", "INFORMATION_SCHEMA")
IN_USE = "(CANNOT_OPEN_FILE)"  # the lock of another process
DEFAULT_PORTS = "clickhouse:// on port 8123, or clickhouses:// on port 8443"


class ClickHouseEngine:
    """An open target. `connect` makes a client whose statements carry `tag`, by which they can be found and stopped."""

    def __init__(
        self, connect: Callable[[], Client], tag: str, is_embedded: bool, secrets: Secrets = NO_SECRETS
    ) -> None:
        self._connect = connect
        self._tag = tag
        self._is_embedded = is_embedded
        self._secrets = secrets
        self._sessions: set[ClickHouseSession] = set()
        self._lock = threading.Lock()
        self._own = self._session()
        self._killer: Client | None = None

    def session(self) -> ClickHouseSession:
        """A new client of the same target."""
        from measure_cli.engines.clickhouse_errors import guarded

        return guarded(self._session, self._secrets)

    def _session(self) -> ClickHouseSession:
        from measure_cli.engines.clickhouse_session import ClickHouseSession

        session = ClickHouseSession(self._connect(), self._secrets, self._is_embedded, self._forget)
        with self._lock:
            self._sessions.add(session)
        return session

    def _forget(self, session: ClickHouseSession) -> None:
        with self._lock:
            self._sessions.discard(session)

    def relations(self) -> Mapping[tuple[str, str], str]:
        """What exists: (database, name) -> "table" or "view"."""
        sql = (
            "SELECT database, name, if(engine = 'View', 'view', 'table') FROM system.tables "
            f"WHERE NOT is_temporary AND database NOT IN ({', '.join(map(clickhouse_literal, SYSTEM))})"
        )
        rows = self._own.query(Statement(sql)).rows
        return {(place, name): kind for place, name, kind in rows if not name.endswith(DATA_SUFFIX)}

    def columns(self, table: str) -> Mapping[str, str]:
        """The columns of a table or view with DuckDB types; empty when there is none."""
        place, _, name = table.rpartition(".")
        sql = (
            "SELECT name, type FROM system.columns "
            f"WHERE database = {'$place' if place else 'currentDatabase()'} AND table = $name ORDER BY position"
        )
        values = {"name": name, **({"place": place} if place else {})}
        return {name: duckdb_type(kind) for name, kind in self._own.query(Statement(sql, values)).rows}

    def fingerprint(self, table: str) -> str:
        """A count and an order-free hash of a table's rows, in one scan; a hash of a tuple counts NULLs too."""
        sql = f"SELECT count(), sum(cityHash64(tuple(*))) FROM {table_text(table)}"
        return str(self._own.query(Statement(sql)).rows[0])

    def interrupt(self) -> None:
        """Stop every running statement, from a client of its own: the others may be busy.

        What cannot be reached now is not told: whoever waits asks again.
        """
        from clickhouse_connect.driver.exceptions import ClickHouseError

        with self._lock, contextlib.suppress(ClickHouseError):
            for session in self._sessions:
                session.stop()
            self._killer = self._killer or self._connect()
            self._killer.command(f"KILL QUERY WHERE Settings['log_comment'] = {clickhouse_literal(self._tag)} ASYNC")

    def close(self) -> None:
        """Close every client."""
        for session in tuple(self._sessions):
            session.close()
        if self._killer is not None:
            self._killer.close()


def open_clickhouse(project: Project, read_only: bool = False, secrets: Secrets = NO_SECRETS) -> ClickHouseEngine:
    """Connect to a project's target; the folder of chDB is created unless `read_only`.

    Raises:
        TargetBusy: another process holds the folder.
        ProjectError: a package is missing, or the server cannot be reached or refuses; nothing was touched.
    """
    folder = embedded_folder(project)
    need_packages(project, is_embedded=folder is not None)
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import ClickHouseError

    logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())  # its warnings are our errors
    clickhouse_connect.common.set_setting("send_os_user", False)  # who runs is a value, too
    tag = f"measure {uuid.uuid4().hex}"
    arguments = connection_settings(project)
    settings = {**session_settings(project.target), "log_comment": tag, **({"readonly": 2} if read_only else {})}

    def connect() -> Client:
        return clickhouse_connect.get_client(**arguments, settings=settings)

    said = io.StringIO()
    try:
        if folder is not None and not read_only:
            folder.parent.mkdir(parents=True, exist_ok=True)
        with captured(said) if folder is not None else contextlib.nullcontext():
            return ClickHouseEngine(connect, tag, folder is not None, secrets)
    except OSError as error:
        raise ProjectError(f"{folder}: the folder cannot be created: {error.strerror}") from error
    except ClickHouseError as error:
        ours = opening_error(project, error, said.getvalue())
    raise ours


def need_packages(project: Project, is_embedded: bool) -> None:
    """Check that the packages which a target needs are installed.

    Raises:
        ProjectError: one is not.
    """
    try:
        import clickhouse_connect  # noqa: F401

        if is_embedded:
            import chdb  # noqa: F401
    except ImportError as error:
        raise ProjectError(
            f"the target {project.target.name} is on ClickHouse, and the package {error.name} is not installed",
            "Install the extra: pip install 'measure[clickhouse]'",
        ) from None


@contextlib.contextmanager
def captured(said: io.StringIO) -> Iterator[None]:
    """What is printed to standard error in the block: chDB writes there why a folder cannot be opened."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    with TemporaryFile() as file:
        os.dup2(file.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            file.seek(0)
            said.write(file.read().decode(errors="replace"))


def opening_error(project: Project, error: ClickHouseError, said: str) -> MeasureError:
    """Why a target could not be opened."""
    from measure_cli.engines.clickhouse_errors import code_of, told
    from measure_cli.engines.unreachable import reason_of

    target, text = project.target, told(error)
    if folder := embedded_folder(project):
        if IN_USE in said:
            return TargetBusy(
                f"{target.settings['url']} is open in another process{process_in(folder)}",
                "Close it there, or wait until that run is over.",
            )
        return ProjectError(f"{target.settings['url']} cannot be opened: {said.strip() or text}")
    place = f"{server_text(target)}, target {target.name}"
    if code_of(error) == AUTHENTICATION_FAILED:
        return ProjectError(
            f"{place}: the server refuses the user or the password",
            f"The user stands in the URL, the password in the environment: {password_variable(target)}.",
        )
    if found := reason_of(error, host_and_port(target)):
        return ProjectError(f"{place}: {found[0]}", found[1])
    return ProjectError(f"{place}: {text}", f"It has to be ClickHouse's HTTP interface: {DEFAULT_PORTS}.")


def process_in(folder: Path) -> str:
    """The process that holds the folder of a chDB target, as that process wrote it down; empty when it did not."""
    try:
        first = (folder / "status").read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return ""
    return f" ({first})" if first.startswith("PID") else ""
