"""Statements only ClickHouse has: partitions, views for readers without settings, clusters, scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import clickhouse_connect
import pytest

from measure_cli.ddl.base import Swap
from measure_cli.ddl.clickhouse import ClickHouseDdl
from measure_cli.errors import PlanError
from measure_cli.kinds import Materialization
from measure_cli.ports import Engine
from measure_cli.types import Batch, Load, ModelConfig, Statement
from tests.engines.bench import BENCHES, Bench, Workplace, workplace
from tests.engines.test_types import COLUMNS as TYPED

COLUMNS = (("day", "DATE"), ("kind", "VARCHAR"))
CLUSTER = ClickHouseDdl.of({"url": "clickhouse://ann@db/shop", "cluster": "pro'd"})
CHDB = BENCHES[1]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return CHDB


@pytest.fixture(scope="module")
def engine(bench_folder: Path) -> Iterator[Engine]:
    with CHDB.opened(bench_folder) as opened:
        yield opened


@pytest.fixture
def place(engine: Engine, bench_folder: Path) -> Iterator[Workplace]:
    with workplace(CHDB, engine, bench_folder) as made:
        yield made


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (ModelConfig(), ""),
        (ModelConfig(partition_by=("day",)), "toYYYYMM(day)"),
        (ModelConfig(partition_by=("kind",)), "kind"),
        (ModelConfig(partition_by=("kind", "day")), "(kind, toYYYYMM(day))"),
        (ModelConfig(time_column="day"), ""),
        (ModelConfig(materialized=Materialization.INCREMENTAL, time_column="day"), "toYYYYMM(day)"),
        (
            ModelConfig(materialized=Materialization.INCREMENTAL, time_column="day", partition_by=("kind",)),
            "toYYYYMM(day)",
        ),
    ],
)
def test_partitions(place: Workplace, config: ModelConfig, key: str) -> None:
    place.run(*place.ddl.create_table(place.name("fct"), COLUMNS, config))
    sql = "SELECT partition_key AS k FROM system.tables WHERE database = $place AND name = 'fct'"
    assert place.query(sql, {"place": place.place}).rows == ((key,),)


def test_a_view_keeps_its_meaning_for_any_reader(place: Workplace, bench_folder: Path) -> None:
    """A reader of its own, without our settings: a row that has no partner shows NULL, and so does an empty sum."""
    select = (
        "SELECT l.number AS id, r.name AS name, s.total AS total FROM numbers(2) AS l "
        "LEFT JOIN (SELECT 1 AS id, 'one' AS name) AS r ON l.number = r.id "
        "CROSS JOIN (SELECT sum(number) AS total FROM numbers(3) WHERE number > 5) AS s"
    )
    columns = (("id", "BIGINT"), ("name", "VARCHAR"), ("total", "BIGINT"))
    place.run(place.ddl.view(place.name("shown"), columns, select))
    reader = clickhouse_connect.get_client(interface="chdb", path=str(bench_folder / "bench"))
    found = reader.query(f"SELECT * FROM {place.name('shown')} ORDER BY id").result_rows
    reader.close()
    assert [tuple(row) for row in found] == [(0, None, None), (1, "one", None)]


def test_descriptions_stand_in_the_catalog(place: Workplace) -> None:
    place.run(place.ddl.view(place.name("shown"), COLUMNS, "SELECT toDate32('2024-01-01') AS day, 'x' AS kind"))
    place.run(*place.ddl.rows(place.name("fct"), COLUMNS, []))
    for name, as_view in (("shown", True), ("fct", False)):
        place.run(*place.ddl.comments(place.name(name), as_view, "It's \\ all", {"day": "The 'day'."}))
        values = {"place": place.place, "name": name}
        tables = "SELECT comment AS c FROM system.tables WHERE database = $place AND name = $name"
        columns = "SELECT comment AS c FROM system.columns WHERE database = $place AND table = $name ORDER BY position"
        assert place.query(tables, values).rows == (("It's \\ all",),)
        assert place.query(columns, values).rows == (("The 'day'.",), ("",))


def test_a_type_without_an_equal() -> None:
    with pytest.raises(PlanError, match="raw is of type BLOB"):
        CLUSTER.create_table('"a"."b"', [("raw", "BLOB")], ModelConfig())


def test_a_script_runs(place: Workplace, tmp_path: Path) -> None:
    """Settings, a table filled from a Parquet file, a parameter: in a session that knows nothing of measure."""
    from measure_cli.engines.parquet import typed_parquet
    from tests.engines.test_types import ROWS, load_of, with_types

    load = load_of(tmp_path / "rows.csv", place.name("seen"), TYPED, ROWS)
    file = typed_parquet(load, tmp_path / "it's typed.parquet")
    for sql in (
        *place.ddl.script_head(True, ("pii_ipad",)),
        *place.ddl.script_load(load.table, TYPED, load.select, str(file)),
    ):
        place.run(Statement(sql))
    assert with_types(place.rows("seen")) == with_types(ROWS)
    assert "--param_pii_ipad" in place.ddl.script_head(True, ("pii_ipad",))[0]
    assert place.ddl.script_placeholder("pii_ipad") == "{pii_ipad:String}"


# -- clusters: rendered, and read by ClickHouse's own parser ---------------------------------------------------------


def texts(statements: Sequence[Statement | Load]) -> list[str]:
    return [statement.sql for statement in statements if isinstance(statement, Statement)]


def swap(intervals: tuple[Batch, ...] | None) -> Swap:
    return Swap('"shop_marts"."fct__stage"', '"shop_marts"."fct"', "fct", "table", COLUMNS, "day", intervals, True, "1")


DAYS = Batch(datetime(2024, 2, 3), datetime(2024, 2, 5))
MONTH = Batch(datetime(2024, 2, 1), datetime(2024, 3, 1))
NAME, STAGED = '"shop_marts"."fct"', '"shop_marts"."fct__next"'
RENDERED = {
    "schema": texts([CLUSTER.create_schema("shop_marts")]),
    "table": texts(CLUSTER.table(STAGED, COLUMNS, "SELECT 1, 2", ModelConfig(order_by=("day",)))),
    "view": texts([CLUSTER.view(NAME, COLUMNS, "SELECT 1 AS day, 2 AS kind")]),
    "first": texts(CLUSTER.publish_table(STAGED, NAME, "fct", None)),
    "next": texts(CLUSTER.publish_table(STAGED, NAME, "fct", "table")),
    "instead of a view": texts(CLUSTER.publish_table(STAGED, NAME, "fct", "view")),
    "view instead": texts(CLUSTER.publish_view(STAGED, NAME, COLUMNS, "SELECT 1 AS day, 2 AS kind", "table")),
    "drop": texts([CLUSTER.drop(NAME, "table"), CLUSTER.drop(NAME, "view"), *CLUSTER.tidy(STAGED, False)]),
    "comments": texts(CLUSTER.comments(NAME, False, "It's", {"day": "Day"})),
    "state": texts([CLUSTER.state_table('"shop_measure_state"."runs"', {"run_id": "VARCHAR"})]),
    "interval": texts(CLUSTER.replace_interval(NAME, COLUMNS, "SELECT 1, 2", "day", DAYS)),
    "batches": texts([*CLUSTER.batches.publish(swap(None)), *CLUSTER.batches.publish(swap((MONTH,)))]),
    "days": texts([*CLUSTER.batches.publish(swap((DAYS,))), *CLUSTER.batches.delete(NAME, "1 = 1")]),
}


@pytest.mark.parametrize("what", RENDERED)
def test_a_cluster_is_told_to_all_nodes(place: Workplace, what: str) -> None:
    for sql in RENDERED[what]:
        parsed = place.query("SELECT formatQuerySingleLine($sql) AS parsed", {"sql": sql}).rows[0][0]
        assert ("INSERT INTO" in parsed) != ("ON CLUSTER `pro'd`" in parsed)


def test_rows_stand_in_replicated_tables_and_are_read_from_all_shards() -> None:
    data, reader, filled = RENDERED["table"]
    assert '"fct__next__data"' in data
    assert "ENGINE = ReplicatedMergeTree" in data
    assert "ENGINE = Distributed('pro''d', \"shop_marts\", \"fct__next__data\", rand())" in reader
    assert filled.startswith(f"INSERT INTO {STAGED} ")
    assert RENDERED["next"][0].startswith('EXCHANGE TABLES "shop_marts"."fct__next__data" AND "shop_marts"."fct__data"')
    assert '"fct__data", rand())' in RENDERED["next"][1]
