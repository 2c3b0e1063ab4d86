"""The driver itself, over HTTP, against the emulator as a server: bound values, files, errors as they travel."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import fakesnow
import pytest
from fakesnow.cursor import FakeSnowflakeCursor

from measure_cli.engines.snowflake_session import SnowflakeEngine
from measure_cli.errors import EngineError
from measure_cli.types import Load, ModelConfig, Statement, Value
from tests.snowflake.emulator import PASSWORD, opened
from tests.snowflake.test_ddl import COLUMNS, DDL, NAME, PLACE


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnowflakeEngine]:
    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch, fakesnow.server() as address:
        patch.setenv("MEASURE_SF_PASSWORD", PASSWORD)
        settings = {key: address[key] for key in ("account", "user", "host", "port", "protocol")}
        with opened(tmp_path_factory.mktemp("served"), **settings, database="PROD") as engine:
            engine.session().execute(DDL.create_schema(PLACE))
            yield engine


def test_values_are_bound_beside_the_text(served: SnowflakeEngine) -> None:
    """What comes out is what went in, and the text that arrived holds none of it."""
    session, received = served.session(), []
    values: dict[str, Value] = {"a": "it's ? \\ \n", "b": 7351, "c": None, "d": True, "e": 0.1625}
    original = FakeSnowflakeCursor.execute

    def listening(self: FakeSnowflakeCursor, command: str, *others: Any, **more: Any) -> Any:
        received.append((command, more.get("binding_params")))
        return original(self, command, *others, **more)

    with mock.patch.object(FakeSnowflakeCursor, "execute", listening):
        found = session.query(
            Statement("SELECT $a AS a, $b AS b, $c AS c, $d AS d, CAST($e AS FLOAT) AS e, $b AS f", values)
        )
    assert found.columns == ("a", "b", "c", "d", "e", "f")
    assert found.rows == (("it's ? \\ \n", 7351, None, True, 0.1625, 7351),)
    [(text, bound)] = [(text, bound) for text, bound in received if "FLOAT" in text]
    assert not [value for value in ("it's", "7351", "0.1625", "rue") if value in text]
    assert bound is not None
    assert len(bound) == 6


def test_a_table_is_loaded_published_and_described(served: SnowflakeEngine) -> None:
    session, staged = served.session(), DDL.name(PLACE, "fct_spend__next")
    for statement in DDL.create_table(staged, COLUMNS, ModelConfig()):
        session.execute(statement)
    select = "SELECT DATE '1969-12-31' AS day, 'é' AS \"order\", 1.5 AS amount"
    session.load(Load(staged, COLUMNS, select))
    session.transaction(DDL.publish_table(staged, NAME, "fct_spend", None))
    assert session.query(Statement(f"SELECT * FROM {NAME}")).rows == ((date(1969, 12, 31), "é", Decimal("1.500000")),)
    assert served.columns("dev_marts.fct_spend") == dict(COLUMNS)
    assert served.relations()[PLACE, "fct_spend"] == "table"


def test_timestamps_keep_microseconds(served: SnowflakeEngine) -> None:
    moment = datetime(2024, 1, 1, 0, 0, 0, 1)
    found = served.session().query(Statement("SELECT CAST('2024-01-01 00:00:00.000001' AS TIMESTAMP_NTZ) AS a"))
    assert found.rows == ((moment,),)


def test_an_error_of_the_server_is_ours(served: SnowflakeEngine) -> None:
    with pytest.raises(EngineError) as failed:
        served.session().query(Statement("SELECT * FROM prod.dev_marts.nowhere"))
    assert type(failed.value) is EngineError
    assert served.columns("dev_marts.nowhere") == {}


def test_the_password_is_in_no_message(tmp_path: Path, served: SnowflakeEngine) -> None:
    with pytest.raises(EngineError) as failed:
        served.session().query(Statement("SELEC"))
    assert PASSWORD not in str(failed.value)
