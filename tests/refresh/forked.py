"""Commands of the tool in processes forked from one that has imported what they need: each begins at once.

chDB is imported by each process itself: its threads would not survive the fork. It holds one folder in a process, and
lets one process in at a time; so a project on chDB is worked on and looked at from here only.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar

from measure_cli.cli import main
from measure_cli.connecting import open_engine
from measure_cli.engines import clickhouse_session
from measure_cli.types import STATE_SCHEMA, Project, Statement, Target
from tests.build.workshop import Ended, invoke
from tests.refresh.stricken_refresh import light
from tests.refresh.visits import AS_OF, VisitShop

Content = dict[str, list[tuple[Any, ...]]]
Answer = TypeVar("Answer")
DUCKDB_TARGET = 'type = "duckdb"\npath = "warehouse/shop.duckdb"'
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "tests.refresh.forked",
        "measure_cli.workflows",
        "measure_cli.console",
        "measure_cli.execute",
        "clickhouse_connect",
    ]
)


def start(shop: VisitShop, arguments: tuple[str, ...], statement: int = 0) -> ForkServerProcess:
    """A command under way; it kills itself before the so manieth statement, if there is a number."""
    process = CONTEXT.Process(target=struck, args=(shop.folder, arguments, statement, isinstance(shop, ChdbShop)))
    process.start()
    return process


def struck(folder: Path, arguments: tuple[str, ...], statement: int, is_chdb: bool) -> None:
    """The command, in the process made for it; nobody reads what it says."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    if statement:
        if is_chdb:
            light_chdb(statement)
        else:
            light(statement, "", signal.SIGKILL)
    sys.argv = ["measure", arguments[0], "--project-dir", str(folder), *arguments[1:]]
    main()


def light_chdb(moment: int) -> None:
    """Replace the session by one that kills the process before the so manieth statement that changes something."""
    counter = itertools.count(1)

    class StrickenSession(clickhouse_session.ClickHouseSession):
        def execute(self, statement: Statement) -> None:
            if next(counter) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            super().execute(statement)

    clickhouse_session.ClickHouseSession = StrickenSession  # type: ignore[misc]


def elsewhere(action: Callable[..., Answer], *arguments: object) -> Answer:
    """What a function returns in a process of its own."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=answer, args=(sender, action, arguments))
    process.start()
    sender.close()
    try:
        found: Answer = receiver.recv()
    except EOFError:
        raise AssertionError(f"{action.__name__} failed in its process, which says why on stderr") from None
    finally:
        process.join()
    return found


def answer(sender: Connection, action: Callable[..., object], arguments: tuple[object, ...]) -> None:
    with closing(sender):
        sender.send(action(*arguments))


class ChdbShop(VisitShop):
    """The project on chDB. Each command runs in a process of its own."""

    def measure(self, *arguments: str) -> Ended:
        return elsewhere(invoke, arguments[0], "--project-dir", str(self.folder), *arguments[1:])

    def stricken(self, statement: int, *arguments: str, beginning: str = "", by: str = "SIGKILL") -> int:
        assert (beginning, by) == ("", "SIGKILL")
        process = start(self, ("refresh", *arguments), statement)
        process.join()
        return int(process.exitcode or 0)


def move_to_chdb(shop: VisitShop) -> ChdbShop:
    """A project that was not built yet, with another target."""
    shop.replace("measure.toml", DUCKDB_TARGET, f'type = "clickhouse"\nurl = "{chdb_url(shop.folder)}"')
    return ChdbShop(shop.folder)


def chdb_url(folder: Path) -> str:
    return f"chdb://{folder.as_posix()}/chdb"


def chdb_content(folder: Path) -> Content:
    """Every row of every relation that readers see, in this process."""
    target = Target("local", "clickhouse", {"url": chdb_url(folder)})
    project = Project("shop", folder, "my_stack", target, date.fromisoformat(AS_OF), {}, {})
    with closing(open_engine(project, read_only=True)) as engine, closing(engine.session()) as session:
        names = sorted(".".join(found) for found in engine.relations() if found[0] != STATE_SCHEMA)
        return {
            name: sorted(session.query(Statement(f"SELECT * FROM {name}")).rows, key=repr)
            for name in names
            if "__" not in name
        }


def chdb_resumed(folder: Path) -> tuple[Content, Content]:
    """What a killed command left, and what there is after the next refresh."""
    visible = chdb_content(folder)
    VisitShop(folder).refresh()
    return visible, chdb_content(folder)
