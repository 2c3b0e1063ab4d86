"""Errors that pass, errors that do not, signals: on a real target whose sessions fail when they are told to."""

from __future__ import annotations

import signal
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from measure_cli import workflows
from measure_cli.engines import duckdb as engine
from measure_cli.errors import EngineError, Interrupted, Transient
from measure_cli.events import BatchRetried, RunEvent
from measure_cli.patience import Patience
from measure_cli.project import Overrides
from measure_cli.refresh import Wishes
from measure_cli.request import Request, signals_raise
from measure_cli.results import RunResult
from measure_cli.types import Statement
from tests.refresh.visits import FILLING, Rows, VisitShop, open_visits

ROWS = Rows(
    (("ann", datetime(2024, 1, 3), "mail"),),
    tuple((month, "ann", datetime(2024, month, 9), 1) for month in range(1, 5)),
)


@pytest.fixture
def shop(tmp_path: Path) -> VisitShop:
    return open_visits(tmp_path / "shop", ROWS)


def refresh_with(shop: VisitShop, troubles: list[EngineError], attempts: int) -> tuple[RunResult, list[BatchRetried]]:
    """A refresh in which inserts into fct_touched fail with these errors, one after the other."""
    events: list[RunEvent] = []

    class TroubledSession(engine.DuckDBSession):
        def _run(self, statement: Statement) -> duckdb.DuckDBPyConnection:
            cursor = super()._run(statement)
            if troubles and statement.sql.startswith(FILLING):
                raise troubles.pop(0)
            return cursor

    request = Request(Overrides(date(2024, 6, 11), shop.folder), emit=events.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "DuckDBSession", TroubledSession)
        patch.setattr("measure_cli.patience.FIRST_PAUSE", 0.001)
        result = workflows.refresh(request, Wishes(), attempts=attempts)
    return result, [event for event in events if isinstance(event, BatchRetried)]


def statuses(result: RunResult) -> dict[str, str]:
    return {model.name: model.status.value for model in result.models}


def test_an_error_that_passes_is_tried_again(shop: VisitShop, tmp_path: Path) -> None:
    """append_doubled: a batch that was written before the error came is there once."""
    result, retries = refresh_with(shop, [Transient("lost"), Transient("lost")], attempts=3)
    assert result.status == "success"
    assert [retry.attempt for retry in retries] == [1, 2]
    fresh = open_visits(tmp_path / "fresh", ROWS)
    fresh.build()
    assert shop.everything() == fresh.everything()


@pytest.mark.parametrize("troubles", [[Transient("lost")] * 2, [EngineError("wrong")]])
def test_an_error_that_stays_fails_the_model(shop: VisitShop, troubles: list[EngineError]) -> None:
    result, _ = refresh_with(shop, list(troubles), attempts=2)
    found = statuses(result)
    assert (found["fct_touched"], found["fct_daily"], found["int_raw"]) == ("failed", "skipped", "built")
    assert batches_in(shop) == {"failed": 1, "pending": 5}
    again, _ = refresh_with(shop, [], attempts=1)
    assert again.status == "success"
    assert batches_in(shop) == {}


def batches_in(shop: VisitShop) -> dict[str, int]:
    rows = shop.query("SELECT status, count(*) FROM measure_state.staged GROUP BY status")
    return dict(rows)


def test_pauses_double_and_are_drawn_at_random() -> None:
    longest = Patience(9, lambda seconds: None, lambda: 1.0)
    assert [longest.pause(attempt) for attempt in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert Patience(9, lambda seconds: None, lambda: 0.25).pause(2) == 0.25


def test_a_signal_in_the_middle_of_a_query_of_the_main_thread() -> None:
    """A dry run asks for days in the main thread, where the driver raises an error of its own."""

    def interrupted_query() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Interrupted:
            raise RuntimeError("Query interrupted") from None

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted) as told, signals_raise():
        interrupted_query()
    signal.signal(signal.SIGTERM, before)
    assert told.value.signal_number == signal.SIGTERM


@pytest.mark.parametrize(("by", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_stops_it_and_the_next_one_goes_on(shop: VisitShop, tmp_path: Path, by: str, code: int) -> None:
    assert shop.stricken(3, beginning=FILLING, by=by) == code
    waiting = batches_in(shop)
    assert waiting["done"] > 0
    assert [name for name in shop.relations() if name.endswith("__next")] == []
    assert "fct_total" not in {name.partition(".")[2] for name in shop.relations()}
    shop.refresh()
    fresh = open_visits(tmp_path / "fresh", ROWS)
    fresh.build()
    assert shop.everything() == fresh.everything()
