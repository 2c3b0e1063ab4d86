"""Batches of a model that declares stages: each value of a column by itself, and last the rows of none of them."""

from __future__ import annotations

import json
import signal
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from measure_cli import workflows
from measure_cli.engines import duckdb as engine
from measure_cli.errors import OutOfMemory
from measure_cli.events import BatchFinished, BatchSplit, RunEvent
from measure_cli.project import Overrides
from measure_cli.refresh import Wishes
from measure_cli.request import Request
from measure_cli.types import Statement
from tests.refresh.staged_visits import (
    FILLING,
    FILTERED,
    FROM_REGISTRY,
    GROUPED,
    MODEL,
    SELECT,
    add_stages,
    computed_batches,
    config,
    open_staged,
)
from tests.refresh.visits import AS_OF, Rows, VisitShop, open_visits

KINDS = {3: "mail", 4: "search", 5: "unknown", 6: "fax"}
ROWS = Rows(tuple(("ann", datetime(2024, month, day), kind) for month in (1, 2, 3) for day, kind in KINDS.items()))
PARTS = ("mail", "search", "(others)")
TABLE = "SELECT * FROM marts.fct_visits ORDER BY ALL"
EXPECTED = [
    (date(2024, month, day), None if kind == "unknown" else kind, 1)
    for month in (1, 2, 3)
    for day, kind in KINDS.items()
]


@pytest.fixture
def shop(tmp_path: Path) -> VisitShop:
    return open_staged(tmp_path / "shop", ROWS)


def computed(shop: VisitShop, *arguments: str) -> list[str]:
    """The batches of the model that a refresh computes."""
    ended = shop.measure("refresh", *arguments)
    assert ended.exit_code == 0, ended.stderr
    return computed_batches(ended.stderr)


def test_each_stage_of_a_month_is_a_batch(shop: VisitShop) -> None:
    """Rows of no declared value, and those without one, are in the last."""
    assert computed(shop) == [f"2024-0{month} {part}" for month in (1, 2, 3) for part in PARTS]
    assert shop.query(TABLE) == EXPECTED
    assert shop.query("SELECT count(*) FROM measure_state.staged") == [(0,)]
    assert len(shop.months("fct_visits")) == 3
    assert computed(shop) == []
    shop.build("--full")
    assert shop.query(TABLE) == EXPECTED


def test_months_together(shop: VisitShop) -> None:
    assert computed(shop, "--batch-months", "2") == [
        *(f"2024-01..2024-02 {part}" for part in PARTS),
        *(f"2024-03 {part}" for part in PARTS),
    ]
    assert shop.query(TABLE) == EXPECTED


@pytest.mark.parametrize("filtered", [FILTERED, "{{ '' if is_incremental() }}", "WHERE {{ batch.stage('kind') }}\n"])
def test_whatever_the_template_does_each_row_is_there_once(shop: VisitShop, filtered: str) -> None:
    add_stages(shop, SELECT + filtered + GROUPED)
    computed(shop)
    assert shop.query(TABLE) == EXPECTED


def statements_of(shop: VisitShop, beginning: str) -> list[Statement]:
    """What a refresh sends with some beginning."""
    sent: list[Statement] = []

    class ListeningSession(engine.DuckDBSession):
        def _run(self, statement: Statement) -> duckdb.DuckDBPyConnection:
            if statement.sql.startswith(beginning):
                sent.append(statement)
            return super()._run(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "DuckDBSession", ListeningSession)
        shop.refresh()
    return sent


def test_the_text_is_the_same_for_all_and_nothing_is_deleted_from_a_new_table(shop: VisitShop) -> None:
    fillings = statements_of(shop, FILLING)
    assert len(fillings) == 9
    assert len({statement.sql for statement in fillings}) == 1
    assert {statement.parameters["batch_stage"] for statement in fillings} == {"mail", "search", ""}
    shop.refresh("--restart")
    add_stages(shop, head=config("['mail']"))
    assert statements_of(shop, 'DELETE FROM "marts"."fct_visits__batches"') == []


def test_stages_that_were_computed_are_kept(shop: VisitShop) -> None:
    """killed_midway: a kill between two stages of a month."""
    assert shop.stricken(6, beginning=FILLING) == -signal.SIGKILL
    with duckdb.connect(str(shop.database)) as connection:
        rows = connection.execute("SELECT stage, count(*) FROM measure_state.staged WHERE status = 'done' GROUP BY 1")
        assert dict(rows.fetchall())["mail"] == 2
    left = computed(shop)
    assert left == ["2024-02 (others)", *(f"2024-03 {part}" for part in PARTS)]
    assert shop.query(TABLE) == EXPECTED


def test_batches_that_other_stages_cut_are_not_used(shop: VisitShop) -> None:
    """The rest was what is neither mail nor search; now it is what is neither mail nor fax."""
    assert shop.stricken(6, beginning=FILLING) == -signal.SIGKILL
    add_stages(shop, SELECT + GROUPED, config("['mail', 'fax']"))
    assert len(computed(shop)) == 9
    assert shop.query(TABLE) == EXPECTED


def test_another_list_of_stages_changes_no_row(shop: VisitShop) -> None:
    add_stages(shop, SELECT + GROUPED, config("['mail']"))
    assert len(computed(shop)) == 6
    add_stages(shop, SELECT + GROUPED, config("['fax', 'search', 'mail']"))
    assert computed(shop) == []
    add_stages(shop, SELECT + GROUPED, "{{ config(materialized='incremental', time_column='day') }}\n")
    assert computed(shop) == []


def test_a_target_of_an_earlier_version(shop: VisitShop, tmp_path: Path) -> None:
    """Its state knows no stages; what waits there is used."""
    plain = open_visits(tmp_path / "plain", Rows(ROWS.visits, ((1, "ann", datetime(2024, 1, 9), 1),)))
    plain.refresh()
    plain.give(Rows(ROWS.visits, tuple((n, "ann", datetime(2024, n, 9), 1) for n in range(1, 6))))
    assert plain.stricken(3, beginning='INSERT INTO "marts"."fct_touched__batches"') == -signal.SIGKILL
    for made in (plain, shop):
        made.refresh("--dry-run")
    plain.execute("ALTER TABLE measure_state.staged DROP COLUMN stage")
    assert plain.forecast()["fct_touched"]["batches"]
    ended = plain.measure("refresh")
    assert ended.exit_code == 0, ended.stderr
    assert "2 batches of an earlier run kept" in ended.stderr
    assert plain.query("SELECT count(*) FROM marts.fct_touched") == [(5,)]
    add_stages(plain)
    assert len(computed(plain)) == 9


def test_sql_of_a_month_holds_all_stages(shop: VisitShop) -> None:
    shop.refresh()
    select = shop.measure("sql", "fct_visits", "--select-only", "--batch", "2024-02").stdout
    assert "$" not in select
    assert sorted(shop.query(select), key=str) == sorted((row for row in EXPECTED if row[0].month == 2), key=str)


def test_the_plan_names_stages(shop: VisitShop) -> None:
    batches = shop.forecast()["fct_visits"]["batches"]
    assert [batch["stage"] for batch in batches[:3]] == ["mail", "search", ""]
    assert "2024-03 (others)" in shop.measure("refresh", "--dry-run").stdout


def test_what_is_out_of_memory_is_cut_by_days_in_its_stage_only(shop: VisitShop) -> None:
    """same_oom_again: the size that fits is remembered for each stage."""

    class TightSession(engine.DuckDBSession):
        def _run(self, statement: Statement) -> duckdb.DuckDBPyConnection:
            values = statement.parameters
            if statement.sql.startswith(FILLING) and values["batch_stage"] == "mail":
                begin, end = (date.fromisoformat(str(values[key])[:10]) for key in ("batch_start", "batch_end"))
                if (end - begin).days > 10:
                    raise OutOfMemory("too much")
            return super()._run(statement)

    events: list[RunEvent] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "DuckDBSession", TightSession)
        request = Request(Overrides(date.fromisoformat(AS_OF), shop.folder), ("+fct_visits",), emit=events.append)
        result = workflows.refresh(request, Wishes())
    assert result.status == "success"
    assert {event.batch.stage for event in events if isinstance(event, BatchSplit)} == {"mail"}
    assert sum(isinstance(event, BatchSplit) for event in events) == 2  # a month, half of it; never again
    done = [event for event in events if isinstance(event, BatchFinished)]
    assert [(event.number, event.total) for event in done][-1] == (len(done), len(done))
    assert {model.name: model.batches for model in result.models}["fct_visits"] == len(done) > 9
    assert shop.query(TABLE) == EXPECTED


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (config(stage_by="knid"), 'fct_visits.sql:1: stage_by="knid": there is no such column\nDid you mean "kind"?'),
        (
            config(stage_by="n_visits"),
            'fct_visits.sql:1: stage_by="n_visits": expected a column of type VARCHAR, found',
        ),
        (config("['mail', 'fax', 'mail']"), 'fct_visits.sql:1: config: "stages" names "mail" twice'),
        (config("['mail', '']"), 'fct_visits.sql:1: config: "stages" must be a list of texts'),
        (config("[1, 2]"), 'fct_visits.sql:1: config: "stages" must be a list of texts'),
        (config("[]"), 'fct_visits.sql:1: config: "stage_by" needs "stages"'),
        (
            config(FROM_REGISTRY.replace("'kind'", "'knid'")),
            'fct_visits.sql:1: the registry kinds has no column "knid"',
        ),
        (
            "{{ config(materialized='incremental', time_column='day', stages=['mail']) }}\n",
            'fct_visits.sql:1: config: "stages" needs "stage_by"',
        ),
        (
            "{{ config(materialized='table', stage_by='kind', stages=['mail']) }}\n",
            "fct_visits.sql:1: config: only an incremental model has stages, found table",
        ),
        (
            "{{ config(materialized='incremental', time_column='day') }}\n",
            "fct_visits.sql:6: batch.stage: the model has no stages",
        ),
    ],
)
def test_what_is_wrong_with_stages_is_told_with_its_line(shop: VisitShop, head: str, said: str) -> None:
    add_stages(shop, head=head)
    ended = shop.measure("refresh")
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert MODEL in ended.stderr
    assert not shop.database.exists()


def test_json_counts_what_was_computed(shop: VisitShop) -> None:
    ended = shop.refresh()
    models = {model["name"]: model["batches"] for model in json.loads(ended.stdout)["models"]}
    assert models["fct_visits"] == 9
