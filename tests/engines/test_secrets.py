"""Secrets reach the rows that are made of them, and nothing else: no error, no log, no text of a statement."""

from __future__ import annotations

import logging
import traceback

import pytest

from measure_cli.errors import EngineError
from measure_cli.secrets import PII_IPAD
from measure_cli.types import ModelConfig
from tests.engines.bench import SECRETS, Workplace

VALUE = SECRETS.bound([PII_IPAD])[PII_IPAD]
COLUMNS = (("part", "VARCHAR"), ("size", "BIGINT"))


def test_a_statement_sees_the_value(place: Workplace) -> None:
    select = f"SELECT substring(${PII_IPAD}, 1, 4) AS part, length(${PII_IPAD}) AS size"
    place.run(*place.ddl.table(place.name("made"), COLUMNS, select, ModelConfig(), (PII_IPAD,)))
    assert place.rows("made") == [(VALUE[:4], len(VALUE))]
    place.run(*place.ddl.keep(place.name("kept"), f"SELECT length(${PII_IPAD}) AS size", (PII_IPAD,)))
    assert place.rows("kept") == [(len(VALUE),)]


def test_secrets_and_parameters_together(place: Workplace) -> None:
    sql = f"SELECT substring(${PII_IPAD}, 1, 4) AS a, $b AS b, '${PII_IPAD}' AS c"
    assert place.query(sql, {"b": "x"}, (PII_IPAD,)).rows == ((VALUE[:4], "x", f"${PII_IPAD}"),)


def test_an_error_does_not_tell(
    place: Workplace, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(EngineError, match="seen") as caught:
        place.query(place.bench.told, {}, (PII_IPAD,))
    shown = [
        "".join(traceback.format_exception(caught.value)),
        repr(caught.value.__cause__),
        repr(caught.value.__context__),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert not any(VALUE[:12] in text for text in shown)


def test_a_name_without_a_value(place: Workplace) -> None:
    with pytest.raises(EngineError, match="no_such_secret"):
        place.query("SELECT $no_such_secret AS a", {}, ("no_such_secret",))
