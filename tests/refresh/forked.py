"""Commands of the tool in processes forked from one that has imported what they need: each begins at once.

chDB is imported by each process itself: its threads would not survive the fork. It holds one folder in a process, and
lets one process in at a time; so a project on chDB is worked on and looked at from here only.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, MutableSequence
from contextlib import closing
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from measure_cli.cli import main
from measure_cli.connecting import open_engine
from measure_cli.types import STATE_SCHEMA, Project, Statement, Target
from tests.build.workshop import Ended, invoke
from tests.refresh.course import Course, Moment, Phase, follow_clickhouse, follow_duckdb
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


class Strike:
    """A command under way in a process of its own, which dies at the moment, if there is one."""

    def __init__(self, shop: VisitShop, arguments: tuple[str, ...], moment: Moment | None = None) -> None:
        self._counts = CONTEXT.RawArray("i", len(Phase) + 1)
        is_chdb = isinstance(shop, ChdbShop)
        facts = (shop.folder, arguments, is_chdb, self._counts, moment)
        self.process = CONTEXT.Process(target=in_environment, args=(dict(os.environ), struck, facts))
        self.process.start()

    def begin(self) -> None:
        """Wait for the first statement."""
        while not self.counts and self.process.is_alive():
            time.sleep(0.002)

    def end(self) -> int:
        """The exit code; that of a kill is negative."""
        self.process.join()
        return int(self.process.exitcode or 0)

    @property
    def counts(self) -> dict[Phase, int]:
        """How many statements of each phase have begun."""
        return {phase: self._counts[phase] for phase in Phase if self._counts[phase]}

    @property
    def phase(self) -> Phase:
        """The phase of the last of them."""
        return Phase(self._counts[-1])


def in_environment(environment: dict[str, str], action: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """Run a function with the variables of the test; those of the process that forks are of another time."""
    os.environ.clear()
    os.environ.update(environment)
    action(*arguments)


def struck(
    folder: Path, arguments: tuple[str, ...], is_chdb: bool, counts: MutableSequence[int], moment: Moment | None
) -> None:
    """The command, in the process made for it; nobody reads what it says."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    follow = follow_clickhouse if is_chdb else follow_duckdb
    follow(Course(counts, moment))
    sys.argv = ["measure", arguments[0], "--project-dir", str(folder), *arguments[1:]]
    main()


def elsewhere(action: Callable[..., Answer], *arguments: object) -> Answer:
    """What a function returns in a process of its own."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    facts = (sender, action, arguments)
    process = CONTEXT.Process(target=in_environment, args=(dict(os.environ), answer, facts))
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
