"""Statements that are stopped, that need too much, that come after one that failed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from measure_cli.connecting import session_of
from measure_cli.errors import Cancelled, EngineError, OutOfMemory
from measure_cli.types import Load, Statement
from measure_cli.workers import keep_interrupting
from tests.engines.bench import BENCHES, Bench, Workplace


def stopped(place: Workplace, work: Callable[[], object]) -> None:
    """Whatever the session does is stopped from another thread, which asks again and again."""
    stop = threading.Event()
    stopper = threading.Thread(target=keep_interrupting, args=(place.engine, stop))
    stopper.start()
    try:
        with pytest.raises(Cancelled):
            work()
    finally:
        stop.set()
        stopper.join()


def test_a_statement_is_stopped(place: Workplace) -> None:
    stopped(place, lambda: place.query(place.bench.endless))
    assert place.query("SELECT 1 AS n").rows == ((1,),)


def test_the_reading_of_files_is_stopped(place: Workplace) -> None:
    endless = "SELECT count(*) AS n FROM range(1000000000) AS a, range(1000000000) AS b WHERE a.range * b.range % 7 = 3"
    columns = (("n", "BIGINT"),)
    place.run(*place.ddl.rows(place.name("n"), columns, []))
    stopped(place, lambda: place.session.load(Load(place.name("n"), columns, endless)))
    assert place.rows("n") == []


def test_interrupting_nothing_is_no_error(place: Workplace) -> None:
    for _ in range(3):
        place.engine.interrupt()
    assert place.query("SELECT 1 AS n").rows == ((1,),)


def test_a_statement_after_one_that_failed(place: Workplace) -> None:
    with pytest.raises(EngineError):
        place.query("SELECT FROM WHERE")
    assert place.query("SELECT 1 AS n").rows == ((1,),)


@pytest.mark.parametrize("bench", BENCHES, ids=[bench.name for bench in BENCHES], scope="function")
def test_too_much_memory_has_an_error_of_its_own(bench: Bench, bench_folder: Path, tmp_path: Path) -> None:
    folder = bench_folder if bench.shares_a_database else tmp_path
    with bench.opened(folder, memory_limit="100MB") as engine, session_of(engine) as session:
        with pytest.raises(OutOfMemory, match="memory_limit"):
            session.query(Statement(bench.hungry))
        assert session.query(Statement("SELECT 1 AS n")).rows == ((1,),)
