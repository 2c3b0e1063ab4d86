"""Stages on every engine: each row is in exactly one, and the record of targets that knew none is extended."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from measure_cli.batches import BATCH_STAGE, REST
from measure_cli.connecting import state_tables
from measure_cli.ddl.intervals import in_stage
from measure_cli.ledger import insert
from measure_cli.state import ADDED, TABLES
from measure_cli.types import ModelConfig, Row, Statement
from measure_cli.waiting import Waiting
from tests.engines.bench import Workplace

COLUMNS = (("token", "VARCHAR"),)
STAGES = ("USDC", "it's \\ GNO", "100 %")
TOKENS = ("USDC", "USDC", "usdc", "it's \\ GNO", "it''s GNO", "100 %", " USDC", "USDC ", "", "DAI", None)


def test_each_row_is_in_one_stage(place: Workplace) -> None:
    """Whatever the values, bound or written out; so what is in no other stage is in the last."""
    ddl, table = place.ddl.batches, place.name("fct")
    rows: list[Row] = [{"token": token} for token in TOKENS]
    place.run(
        *place.ddl.create_table(table, COLUMNS, ModelConfig()), *place.ddl.rows(place.name("rows"), COLUMNS, rows)
    )
    place.run(Statement(ddl.insert(table, COLUMNS, f"SELECT token FROM {place.name('rows')}", ModelConfig())))
    found: Counter[str | None] = Counter()
    for stage in (*STAGES, REST):
        bound = place.query(
            f"SELECT token FROM {table} WHERE {in_stage(ddl, 'token', STAGES, None)}", {BATCH_STAGE: stage}
        )
        written = place.query(f"SELECT token FROM {table} WHERE {in_stage(ddl, 'token', STAGES, stage)}")
        assert sorted(map(str, bound.rows)) == sorted(map(str, written.rows))
        assert {token if token in STAGES else REST for (token,) in bound.rows} == {stage}
        found.update(token for (token,) in bound.rows)
    assert found == Counter(TOKENS)
    for stage in STAGES:
        place.run(*ddl.delete(table, in_stage(ddl, "token", STAGES, stage)))
    left = place.query(f"SELECT token FROM {table}").rows
    assert Counter(token for (token,) in left) == Counter(token for token in TOKENS if token not in STAGES)


def test_a_record_without_stages_gets_the_column(place: Workplace) -> None:
    name, columns = place.name("staged"), dict(TABLES["staged"])
    assert ("staged", "stage") in ADDED
    del columns["stage"]
    place.run(place.ddl.state_table(name, columns))
    row = {
        "stack": "starter", "relation": "fct", "batch_start": datetime(2024, 1, 1), "batch_end": datetime(2024, 2, 1),
        "fingerprint": "a.b", "status": "done",
    }  # fmt: skip
    place.run(insert(name, row))
    before = Waiting(name).read(place.session, "starter")
    for _ in range(2):
        place.run(place.ddl.batches.add_text(name, "stage"))
    place.run(insert(name, {**row, "relation": "staged", "stage": "USDC"}))
    found = Waiting(name).read(place.session, "starter")
    assert found["fct"] == before["fct"]
    assert [one.batch.stage for one in (*found["fct"], *found["staged"])] == [None, "USDC"]
    assert any("ADD COLUMN" in made.sql for made in state_tables(place.ddl).create)
