"""Errors that pass, made by real engines: transactions in each other's way, a server whose answers are lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from measure_cli import workflows
from measure_cli.connecting import open_engine
from measure_cli.engines.duckdb import open_duckdb
from measure_cli.errors import EngineError, Transient
from measure_cli.events import PlanBuilt, Retried, RunEvent
from measure_cli.patience import Patience
from measure_cli.project import Overrides, load_project
from measure_cli.request import Request
from measure_cli.results import RunResult
from measure_cli.types import Project, Statement, Target
from tests.build.workshop import Workshop, open_compiled
from tests.engines.bench import url_of
from tests.engines.http_bridge import LOSING, PASSWORD, Bridge, start

KEPT = """\
models:
  - name: fct_region
    description: Orders per region.
    columns:
      - name: region
        data_tests:
          - accepted_values: {values: [north, south, middle], store_failures: true}
"""


# -- two transactions of one DuckDB file -------------------------------------------------------------------------------


def test_a_conflict_is_over_when_the_other_transaction_is(tmp_path: Path) -> None:
    target = Target("local", "duckdb", {"path": "shop.duckdb"})
    engine = open_duckdb(Project("shop", tmp_path, "starter", target, date(2024, 1, 1), {}, {}))
    other, session = duckdb.connect(str(tmp_path / "shop.duckdb")), engine.session()
    session.execute(Statement("CREATE TABLE counted AS SELECT 1 AS n"))
    other.begin()
    other.execute("UPDATE counted SET n = n + 10")
    added = Statement("UPDATE counted SET n = n + 100")
    with pytest.raises(Transient):
        Patience(2, lambda seconds: None, lambda: 1.0).tried(lambda: session.execute(added), lambda *_: None)
    told: list[tuple[int, float]] = []

    def end_the_other(seconds: float) -> None:
        other.commit()

    patience = Patience(3, end_the_other, lambda: 1.0)
    patience.tried(lambda: session.execute(added), lambda attempt, pause, _: told.append((attempt, pause)))
    assert told == [(1, 0.5)]
    assert session.query(Statement("SELECT n FROM counted")).rows == ((111,),)
    other.close()
    engine.close()


def test_what_does_not_pass_is_not_tried_again() -> None:
    attempts: list[int] = []

    def fail() -> None:
        attempts.append(1)
        raise EngineError("wrong")

    with pytest.raises(EngineError, match="wrong"):
        Patience(5, lambda seconds: None, lambda: 1.0).tried(fail, lambda *_: None)
    assert attempts == [1]


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("measure_cli.patience.FIRST_PAUSE", 0.001)


def build_beside(shop: Workshop, held: str, most: int) -> tuple[RunResult, list[Retried]]:
    """A build while another transaction, begun when its plan is known, is in its way for so many attempts."""
    events: list[RunEvent] = []
    other = duckdb.connect(str(shop.database))

    def follow(event: RunEvent) -> None:
        events.append(event)
        if isinstance(event, PlanBuilt):
            other.begin()
            other.execute(held)
        if isinstance(event, Retried) and event.attempt == most:
            other.rollback()

    request = Request(Overrides(date(2024, 4, 1), shop.folder), emit=follow)
    result = workflows.build(request, full=True).result
    other.close()
    return result, [event for event in events if isinstance(event, Retried)]


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("held", "name", "part"),
    [
        ("CREATE TABLE marts.fct_share__next (n INTEGER)", "fct_share", ""),
        ("CREATE TABLE registries.cities__next (n INTEGER)", "cities", ""),
        ("ALTER TABLE measure_state.failures_fct_region_accepted_values ADD COLUMN n INTEGER", "fct_region", "audit"),
        ("ALTER TABLE marts.fct_share ADD COLUMN n INTEGER", "the publication", ""),
    ],
)
def test_a_build_waits_until_nobody_is_in_its_way(tmp_path: Path, held: str, name: str, part: str) -> None:
    shop = open_compiled(tmp_path)
    shop.write("my_stack/marts/schema.yml", KEPT)
    shop.build()
    before = shop.content()
    (kept,) = (name for (name,) in shop.query("SELECT table_name FROM duckdb_tables()") if name.startswith("failures"))
    result, retries = build_beside(shop, held.replace("failures_fct_region_accepted_values", kept), 2)
    assert result.status == "success"
    assert [(retry.name, retry.part.split(" ")[0], retry.attempt) for retry in retries] == [
        (name, part, 1),
        (name, part, 2),
    ]
    assert shop.content() == before
    assert shop.leftovers() == []


@pytest.mark.usefixtures("brief")
def test_who_never_makes_room_fails_one_relation(tmp_path: Path) -> None:
    shop = open_compiled(tmp_path)
    shop.build()
    result, retries = build_beside(shop, "CREATE TABLE marts.fct_share__next (n INTEGER)", 99)
    assert {model.name for model in result.models if model.status == "failed"} == {"fct_share"}
    assert [retry.attempt for retry in retries] == [1, 2, 3]
    shop.build()
    assert shop.leftovers() == []


# -- a server whose answers are lost -----------------------------------------------------------------------------------


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    monkeypatch.setenv("MEASURE_LOCAL_PASSWORD", PASSWORD)
    bridge = start(tmp_path / "server")
    yield bridge
    bridge.stop()


@pytest.fixture
def shop(tmp_path: Path, bridge: Bridge) -> Workshop:
    """On a server that loses its first answer to every statement about one relation."""
    shop = open_compiled(tmp_path / "shop")
    target = f'type = "clickhouse"\nurl = "{url_of(bridge)}"'
    shop.replace("measure.toml", 'type = "duckdb"\npath = "warehouse/shop.duckdb"', target)
    shop.write("my_stack/marts/fct_share.sql", "SELECT region, gross FROM {{ ref('fct_region') }}\n")
    shop.write(
        f"my_stack/marts/{LOSING}.sql",
        """\
        {{ config(materialized='table') }}
        SELECT region, count(*) AS n_orders FROM {{ ref('int_located') }} GROUP BY region
        """,
    )
    return shop


def regions(shop: Workshop) -> list[tuple[Any, ...]]:
    project = load_project(Overrides(date(2024, 4, 1), shop.folder))
    with closing(open_engine(project, read_only=True)) as engine, closing(engine.session()) as session:
        return list(session.query(Statement(f"SELECT region, n_orders FROM shop_marts.{LOSING} ORDER BY region")).rows)


@pytest.mark.usefixtures("brief")
def test_what_a_server_did_and_did_not_answer(shop: Workshop) -> None:
    """append_doubled: rows are there once. An exchange of names is not repeated, which would bring the old rows back:
    the relation fails, and the next build makes it again.
    """
    first = shop.measure("build")
    assert (first.exit_code, first.stderr.count(f"{LOSING}: attempt ")) == (1, 2), first.stderr
    assert regions(shop) == [("middle", 1), ("north", 3), ("south", 2)]
    shop.append("data/orders.csv", "9,2024-03-30,Bonn,2.00\n")
    assert shop.build(exit_code=1).having("failed") == {LOSING}
    assert LOSING in shop.build().having("built")
    assert regions(shop) == [("middle", 2), ("north", 3), ("south", 2)]
