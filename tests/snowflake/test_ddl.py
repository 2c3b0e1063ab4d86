"""What is written around a SELECT, word by word: the emulator forgives what Snowflake does not."""

from __future__ import annotations

from datetime import datetime

import pytest

from measure_cli.ddl.snowflake import SnowflakeDdl
from measure_cli.errors import PlanError
from measure_cli.types import Batch, Load, ModelConfig, Statement

DDL = SnowflakeDdl.of({"database": "PROD", "schema_prefix": "Dev_"})
PLACE = DDL.place("marts")
NAME = DDL.name(PLACE, "fct_spend")
COLUMNS = (("day", "DATE"), ("order", "VARCHAR"), ("amount", "DECIMAL(18,6)"))


def texts(statements: list[Statement]) -> list[str]:
    return [statement.sql for statement in statements]


def test_places_are_schemas_of_the_database() -> None:
    assert PLACE == "prod.dev_marts"
    assert DDL.place("internal", is_internal=True) == "prod.dev_internal"
    assert SnowflakeDdl("prod").place("measure_state") == "prod.measure_state"
    assert NAME == "prod.dev_marts.fct_spend"
    assert DDL.name(PLACE, "order") == 'prod.dev_marts."ORDER"'


def test_a_table_has_declared_types_before_it_has_rows() -> None:
    made = DDL.table(NAME, COLUMNS, "SELECT 1", ModelConfig(order_by=("day",)), ("pii_ipad",))
    assert texts(made) == [
        'CREATE OR REPLACE TABLE prod.dev_marts.fct_spend (day DATE, "ORDER" VARCHAR, amount NUMBER(18, 6))',
        'INSERT INTO prod.dev_marts.fct_spend (day, "ORDER", amount)\nSELECT * FROM (\nSELECT 1\n) ORDER BY day',
    ]
    assert [statement.secrets for statement in made] == [(), ("pii_ipad",)]


@pytest.mark.parametrize(
    ("data_type", "expected"),
    [
        ("INTEGER", "NUMBER(19, 0)"), ("BIGINT", "NUMBER(19, 0)"), ("HUGEINT", "NUMBER(38, 0)"), ("DOUBLE", "FLOAT"),
        ("BOOLEAN", "BOOLEAN"), ("TIMESTAMP", "TIMESTAMP_NTZ(6)"), ("DECIMAL(9, 2)", "NUMBER(9, 2)"),
    ],
)  # fmt: skip
def test_types(data_type: str, expected: str) -> None:
    assert texts(DDL.create_table(NAME, [("a", data_type)], ModelConfig())) == [
        f"CREATE OR REPLACE TABLE {NAME} (a {expected})"
    ]


@pytest.mark.parametrize("data_type", ["UNKNOWN", "TIMESTAMP WITH TIME ZONE", "JSON"])
def test_a_type_without_an_equal_is_refused(data_type: str) -> None:
    with pytest.raises(PlanError, match=f"the column a is of type {data_type}, which has no equal on Snowflake"):
        DDL.create_table(NAME, [("a", data_type)], ModelConfig())


def test_publications_replace_at_once_and_keep_grants() -> None:
    staged = DDL.name(PLACE, "fct_spend__next")
    replaced = f"CREATE OR REPLACE TABLE {NAME} COPY GRANTS AS\nSELECT * FROM {staged}"
    assert texts(DDL.publish_table(staged, NAME, "fct_spend", "table")) == [replaced]
    assert texts(DDL.publish_table(staged, NAME, "fct_spend", "view")) == [f"DROP VIEW IF EXISTS {NAME}", replaced]
    assert texts(DDL.tidy(staged, as_view=False)) == [f"DROP TABLE IF EXISTS {staged}"]
    view = f'CREATE OR REPLACE VIEW {NAME} (day, "ORDER", amount) COPY GRANTS AS\nSELECT 1'
    assert texts(DDL.publish_view(staged, NAME, COLUMNS, "SELECT 1", None)) == [view, f"DROP VIEW IF EXISTS {staged}"]


def test_files_go_through_the_stage_of_the_table() -> None:
    made = DDL.load(NAME, COLUMNS, "SELECT 1")
    assert made[1] == Load(NAME, COLUMNS, "SELECT 1")
    create, put, copy = DDL.script_load(NAME, COLUMNS, "SELECT 1", "/data/it's.parquet")
    assert create.startswith("CREATE OR REPLACE TABLE")
    assert put == ("PUT 'file:///data/it''s.parquet' @prod.dev_marts.%fct_spend AUTO_COMPRESS = FALSE OVERWRITE = TRUE")
    assert copy == (
        f"COPY INTO {NAME} FROM @prod.dev_marts.%fct_spend FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) "
        "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE PURGE = TRUE"
    )
    assert '@prod.dev_marts."%ORDER"' in DDL.script_load(DDL.name(PLACE, "order"), COLUMNS, "", "f")[1]


def test_many_rows_are_several_statements() -> None:
    made = DDL.rows(NAME, (("day", "DATE"), ("order", "VARCHAR")), [{"day": None, "order": "a\\'"}] * 2500)
    assert len(made) == 1 + 3
    assert "(NULL, 'a\\\\''')" in made[1].sql


def test_one_interval_is_one_transaction() -> None:
    batch = Batch(datetime(2024, 2, 1), datetime(2024, 3, 1))
    begin, delete, insert, commit = texts(DDL.replace_interval(NAME, COLUMNS, "SELECT 1", "day", batch))
    assert (begin, commit) == ("BEGIN", "COMMIT")
    assert delete == (
        f"DELETE FROM {NAME} WHERE day >= CAST('2024-02-01 00:00:00' AS TIMESTAMP_NTZ) "
        "AND day < CAST('2024-03-01 00:00:00' AS TIMESTAMP_NTZ)"
    )
    assert insert == f'INSERT INTO {NAME} (day, "ORDER", amount)\nSELECT 1'


def test_a_script_says_how_to_set_its_secrets_and_holds_none() -> None:
    head = "\n".join(DDL.script_head(False, ("pii_ipad", "pii_opad")))
    assert "SET pii_ipad" in head
    assert head.endswith("ALTER SESSION SET TIMEZONE = 'UTC'")
    assert DDL.script_placeholder("pii_ipad") == "$pii_ipad"
    assert DDL.script_head(False, ()) == ["ALTER SESSION SET TIMEZONE = 'UTC'"]
