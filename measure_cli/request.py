"""What every verb begins with: a request, a loaded project, an open target, signals that stop the work."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from measure_cli.errors import Interrupted
from measure_cli.events import Emit, Notice
from measure_cli.ports import Engine
from measure_cli.project import Overrides

if TYPE_CHECKING:
    from measure_cli.loading import Loaded


@dataclass(frozen=True, slots=True)
class Request:
    """What every command is asked: overrides, a selection, who listens."""

    overrides: Overrides
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    emit: Emit = lambda event: None


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise `Interrupted` in the main thread while the block runs."""
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one does not disturb the clean-up
        received.append(number)
        raise Interrupted(number)

    try:
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: the caller owns the signals
        yield
        return
    try:
        yield
    except Interrupted:  # the signals stay ignored: the process is about to end, and should end with its own code
        raise
    except BaseException as error:
        if received:  # a driver that is in the middle of a query raises an error of its own instead
            raise Interrupted(received[0]) from error
        restore(before)
        raise
    restore(before)


def restore(handlers: Mapping[signal.Signals, Any]) -> None:
    """Put signal handlers back."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextlib.contextmanager
def opened(loaded: Loaded, read_only: bool, with_internal: bool = False) -> Iterator[Engine]:
    """The target's engine, closed at the end; `with_internal` where internal relations are built or compared."""
    from measure_cli.connecting import open_engine

    attach = with_internal and any(relation.is_internal for relation in loaded.catalog.relations.values())
    engine = open_engine(loaded.project, read_only, loaded.secrets, attach)
    try:
        yield engine
    finally:
        engine.close()


def load_and_tell(request: Request) -> Loaded:
    """Load the project with its secrets, and emit what the user should know about it."""
    from measure_cli.loading import load, with_secrets

    loaded = with_secrets(load(request.overrides, tell=lambda text: request.emit(Notice(text))), os.environ)
    for notice in loaded.notices:
        request.emit(Notice(notice))
    for warning in loaded.warnings:
        request.emit(Notice(warning, insists=True))
    for place, finding in loaded.catalog.findings:
        request.emit(Notice(f"{place}: {finding.rule}: {finding.message} ({finding.fix})"))
    return loaded


def load_quietly(request: Request) -> Loaded:
    """Load the project without notices."""
    from measure_cli.loading import load

    return load(request.overrides)
