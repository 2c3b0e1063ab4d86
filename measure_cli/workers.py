"""Threads that talk to an engine: one session each, cancelled together when a signal or an error ends the work."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from measure_cli.errors import Cancelled
from measure_cli.events import Emit, RunEvent
from measure_cli.ports import Engine, Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the run sees it: `now` for the record (UTC), `seconds` for durations."""

    now: Callable[[], datetime]
    seconds: Callable[[], float] = time.perf_counter


class Sessions:
    """One session per worker thread, closed together. `hands` more threads help whoever shares its work."""

    def __init__(self, engine: Engine, hands: int = 0) -> None:
        self._engine = engine
        self.hands = hands
        self.helpers = ThreadPoolExecutor(max_workers=max(1, hands), thread_name_prefix="measure-help")
        self._local = threading.local()
        self._all: list[Session] = []
        self.stopped = threading.Event()

    def mine(self) -> Session:
        """The session of the calling thread."""
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._engine.session()
            self._all.append(session)
        return session

    def help(self, work: Callable[[], None]) -> None:
        """Let every thread that helps do the same as the calling one, as soon as it has the time.

        The caller must not wait for them to begin: they may be busy until it has done all of the work.
        """
        for _ in range(self.hands):
            self.helpers.submit(work)

    def pause(self, seconds: float) -> None:
        """Wait, unless the work is being stopped.

        Raises:
            Cancelled: it is.
        """
        if self.stopped.wait(seconds):
            raise Cancelled("the run was stopped")

    def close(self) -> None:
        """Close all of them."""
        for session in self._all:
            session.close()


@contextlib.contextmanager
def worker_pool(engine: Engine, workers: int, hands: int = 0) -> Iterator[tuple[ThreadPoolExecutor, Sessions]]:
    """Threads with sessions. When the block is left by a signal or an error, running statements are cancelled first."""
    pool, sessions = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="measure"), Sessions(engine, hands)
    try:
        yield pool, sessions
    except BaseException:
        sessions.stopped.set()
        stop = threading.Event()
        stopper = threading.Thread(target=keep_interrupting, args=(engine, stop), daemon=True)
        stopper.start()
        for each in (pool, sessions.helpers):  # in this order: the first give work to the others
            each.shutdown(wait=True, cancel_futures=True)
        stop.set()
        stopper.join()
        raise
    finally:
        for each in (pool, sessions.helpers):
            each.shutdown(wait=True)
        sessions.close()


def one_at_a_time(emit: Emit) -> Emit:
    """A listener that several threads may tell."""
    lock = threading.Lock()

    def tell(event: RunEvent) -> None:
        with lock:
            emit(event)

    return tell


def keep_interrupting(engine: Engine, stop: threading.Event) -> None:
    """Interrupt until everything has stopped: an interrupt between two statements of a worker takes no effect."""
    while not stop.wait(0.05):
        engine.interrupt()


def join(future: Future[T]) -> T:
    """Wait so that signals are seen at once; a plain `result()` would wait in C."""
    while not wait([future], timeout=0.2).done:
        pass
    return future.result()


def join_or_stop(future: Future[T], interrupt: Callable[[], None]) -> T:
    """Wait for one piece of work; a signal stops it."""
    try:
        return join(future)
    except BaseException:
        while not wait([future], timeout=0.05).done:  # an interrupt before a statement starts takes no effect
            interrupt()
        raise
