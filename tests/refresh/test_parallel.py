"""Several batches of one model at once: sessions of their own, one record each, and the same rows in the end."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from measure_cli import workflows
from measure_cli.engines import duckdb as engine
from measure_cli.errors import EngineError, OutOfMemory, Transient
from measure_cli.events import BatchCrowded, BatchFinished, BatchRetried, BatchSplit, RunEvent
from measure_cli.loading import load
from measure_cli.project import Overrides
from measure_cli.refresh import Wishes
from measure_cli.request import Request
from measure_cli.results import RunResult
from measure_cli.types import Statement
from tests.build.workshop import Ended
from tests.refresh.staged_visits import computed_batches, open_staged
from tests.refresh.test_memory import open_big
from tests.refresh.test_property import History, World, histories, runs
from tests.refresh.visits import AS_OF, BUSIEST, FILLING, Rows, VisitShop

ROWS = Rows(
    (("ann", datetime(2024, 1, 3), "mail"), ("ann", datetime(2024, 2, 3), "unknown")),
    tuple((month, "ann", datetime(2024, month, 9), 1) for month in range(1, 6)),
)
MONTHS = 5
PATIENCE = 60.0  # a thread that waits for another one in vain fails, and does not wait for ever

Filled = Callable[[Statement], None]


@pytest.fixture
def shop(tmp_path: Path) -> VisitShop:
    return open_staged(tmp_path / "shop", ROWS)


@pytest.fixture
def fresh(tmp_path: Path) -> VisitShop:
    fresh = open_staged(tmp_path / "fresh", ROWS)
    fresh.build()
    return fresh


def refreshed(shop: VisitShop, threads: int, filled: Filled) -> tuple[RunResult, list[RunEvent]]:
    """A refresh that calls a function right after each insert into fct_touched, in its thread and transaction."""
    events: list[RunEvent] = []

    class WatchedSession(engine.DuckDBSession):
        def _run(self, statement: Statement) -> duckdb.DuckDBPyConnection:
            cursor = super()._run(statement)
            if statement.sql.startswith(FILLING):
                filled(statement)
            return cursor

    request = Request(Overrides(date.fromisoformat(AS_OF), shop.folder), emit=events.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "DuckDBSession", WatchedSession)
        patch.setattr("measure_cli.patience.FIRST_PAUSE", 0.001)
        result = workflows.refresh(request, Wishes(), threads=threads)
    return result, [event for event in events if getattr(event, "name", "") == "fct_touched"]


def month_of(statement: Statement) -> int:
    return int(str(statement.parameters["batch_start"])[5:7])


def staged(shop: VisitShop) -> dict[str, int]:
    sql = "SELECT status, count(*) FROM measure_state.staged WHERE relation = 'fct_touched' GROUP BY status"
    return dict(shop.query(sql))


def test_two_at_once_leave_what_one_after_the_other_leave(shop: VisitShop, fresh: VisitShop) -> None:
    both = threading.Barrier(2)

    def meet(statement: Statement) -> None:
        if month_of(statement) <= 2:
            both.wait(PATIENCE)

    result, events = refreshed(shop, 2, meet)
    assert result.status == "success"
    assert shop.everything() == fresh.everything()
    done = [event for event in events if isinstance(event, BatchFinished)]
    assert [(event.number, event.total) for event in done] == [(number, MONTHS) for number in range(1, MONTHS + 1)]
    assert [event.elapsed for event in done] == sorted(event.elapsed for event in done)
    assert shop.refresh("--threads", "2").having("built") == set()


def test_one_at_a_time_is_what_an_embedded_engine_does(shop: VisitShop) -> None:
    threads = set[int]()
    refreshed(shop, 1, lambda statement: threads.add(threading.get_ident()))
    assert len(threads) == 1


def test_errors_that_pass_are_tried_again_by_each_for_itself(shop: VisitShop, fresh: VisitShop) -> None:
    failed = set[int]()

    def fail_once(statement: Statement) -> None:
        if month_of(statement) not in failed:
            failed.add(month_of(statement))
            raise Transient("lost")

    result, _ = refreshed(shop, 3, fail_once)
    assert (result.status, len(failed)) == ("success", MONTHS)
    assert shop.everything() == fresh.everything()


def test_after_an_error_the_others_come_to_their_end(shop: VisitShop, fresh: VisitShop) -> None:
    both = threading.Barrier(2)

    def fail_one(statement: Statement) -> None:
        if month_of(statement) <= 2:
            both.wait(PATIENCE)
        if month_of(statement) == 1:
            raise EngineError("wrong")

    result, _ = refreshed(shop, 2, fail_one)
    assert {model.name: model.status.value for model in result.models}["fct_touched"] == "failed"
    found = staged(shop)
    assert found["failed"] == 1
    assert found["done"] > 0
    assert shop.measure("refresh", "--threads", "2").exit_code == 0
    assert shop.everything() == fresh.everything()


def test_what_is_out_of_memory_only_beside_others_is_not_cut(shop: VisitShop, fresh: VisitShop) -> None:
    """not_my_memory, at home: their sum is too large, none of them is."""
    both, attempts = threading.Barrier(2), Counter[int]()

    def too_much(statement: Statement) -> None:
        month = month_of(statement)
        attempts[month] += 1
        if month <= 2 and attempts[month] == 1:
            both.wait(PATIENCE)
        if month == 1 and attempts[month] == 1:
            raise OutOfMemory("their sum")

    result, events = refreshed(shop, 2, too_much)
    assert result.status == "success"
    assert [event.at_once for event in events if isinstance(event, BatchCrowded)] == [1]
    assert not any(isinstance(event, BatchSplit) for event in events)
    assert attempts[1] == 2
    assert shop.everything() == fresh.everything()


def test_under_a_memory_limit_that_several_do_not_fit_into(tmp_path: Path) -> None:
    """On a real limit: half a month fits alone, not four of them."""
    big = open_big(tmp_path, rows_a_day=20_000, on_the_last=0)
    ended = big.measure("refresh", "--threads", "4")
    assert ended.exit_code == 0, ended.stderr
    assert big.query("SELECT count(*), min(n_ids), max(n_ids) FROM marts.fct_days") == [(60, 20_000, 20_000)]


def test_parts_of_a_batch_are_to_come_each_by_itself(shop: VisitShop, fresh: VisitShop) -> None:
    """Two halves of a month that end at the same time change no row of the record both."""
    both = threading.Barrier(2)

    def halve(statement: Statement) -> None:
        begin, end = (str(statement.parameters[key])[:10] for key in ("batch_start", "batch_end"))
        days = (date.fromisoformat(end) - date.fromisoformat(begin)).days
        if month_of(statement) == 1 and days > 16:
            raise OutOfMemory("too large")
        if month_of(statement) == 1:
            both.wait(PATIENCE)

    shop.refresh()
    shop.give(Rows((*ROWS.visits, ("ann", datetime(2024, 1, 5), "mail")), ROWS.orders))
    fresh.give(Rows((*ROWS.visits, ("ann", datetime(2024, 1, 5), "mail")), ROWS.orders))
    fresh.build()
    retried = [event for event in refreshed(shop, 4, halve)[1] if isinstance(event, BatchRetried)]
    assert retried == []
    assert shop.everything() == fresh.everything()


@pytest.mark.parametrize(("by", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_stops_all_of_them(shop: VisitShop, fresh: VisitShop, by: str, code: int) -> None:
    assert shop.stricken(3, "--threads", "3", beginning=FILLING, by=by) == code
    assert [name for name in shop.relations() if name.endswith("__next")] == []
    assert set(staged(shop)) <= {"done", "pending"}
    shop.refresh("--threads", "3")
    assert shop.everything() == fresh.everything()


@pytest.mark.parametrize("statement", range(1, 6))
def test_killed_midway(shop: VisitShop, fresh: VisitShop, statement: int) -> None:
    """Before each of the inserts, while other batches are at whatever they are at."""
    assert shop.stricken(statement, "--threads", "2", beginning=FILLING) == -signal.SIGKILL
    before = staged(shop).get("done", 0)
    again = shop.measure("refresh", "--threads", "2")
    assert again.exit_code == 0, again.stderr
    assert len(computed_batches(again.stderr, "fct_touched")) == MONTHS - before
    assert shop.everything() == fresh.everything()


@pytest.mark.parametrize("reading", ["{{ this }}", "{{ ref('fct_touched') }}"])
def test_no_model_reads_itself(shop: VisitShop, reading: str) -> None:
    """So batches can be computed in any order: what a row is made from stands in other relations."""
    newest = f"(SELECT max(made.ordered_at) FROM {reading} AS made)"
    shop.replace("my_stack/marts/fct_touched.sql", "{{ batch.start }}", newest)
    ended = shop.measure("refresh")
    assert ended.exit_code == 2
    assert "fct_touched" in ended.stderr


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(runs, most=3))
def test_any_history_with_stages_and_two_at_once(history: History) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = ParallelWorld(Path(folder) / "lived")
        world.live(history)
        assert world.shop.everything() == world.built_whole(Path(folder) / "fresh").everything()
        assert [name for name in world.shop.relations() if "__" in name] == []
        assert world.shop.refresh(*world.arguments).having("built") == set()


class ParallelWorld(World):
    """The project with stages, whose refreshes compute two batches at once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ParallelShop(open_staged(folder).folder), "--threads", "2")

    def built_whole(self, folder: Path) -> VisitShop:
        shop = open_staged(folder)
        shop.write("my_stack/marts/fct_busiest.sql", BUSIEST)
        self.follow(shop)
        shop.build(*self.arguments)
        return shop


class ParallelShop(VisitShop):
    """A project that is refreshed by two threads."""

    def refresh(self, *arguments: str, exit_code: int = 0) -> Ended:
        return super().refresh(*arguments, "--threads", "2", exit_code=exit_code)


def test_how_many_run_at_once_where_nobody_says(shop: VisitShop) -> None:
    overrides = Overrides(date.fromisoformat(AS_OF), shop.folder)
    assert workflows.batch_threads(load(overrides)) == 1
    server = 'type = "clickhouse"\nurl = "clickhouse://me@nowhere.invalid/shop"\nthreads = 3'
    shop.replace("measure.toml", 'type = "duckdb"\npath = "warehouse/shop.duckdb"', server)
    assert workflows.batch_threads(load(overrides)) == 3
