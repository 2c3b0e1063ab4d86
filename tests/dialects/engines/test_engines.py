"""Adversarial SELECTs: equal rows on every engine, or refused by a rule that says why. Never silently different."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from measure_cli.dialects.compile import compile_select
from tests.dialects.engines.cases_dates import DATES
from tests.dialects.engines.cases_numbers import NUMBERS
from tests.dialects.engines.cases_queries import QUERIES
from tests.dialects.engines.cases_refused import REFUSED
from tests.dialects.engines.cases_text import TEXTS
from tests.dialects.engines.cases_windows import WINDOWS
from tests.dialects.engines.harness import CHDB, SCHEMAS, EngineUnderTest, Reference, differences

ENGINES = [CHDB]
EQUAL = {**NUMBERS, **DATES, **TEXTS, **QUERIES, **WINDOWS}


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: str(engine.kind))
def engine(request: pytest.FixtureRequest) -> Iterator[EngineUnderTest]:
    engine: EngineUnderTest = request.param
    engine.start()
    yield engine
    engine.stop()


@pytest.mark.parametrize("name", EQUAL)
def test_rows_are_those_of_duckdb(engine: EngineUnderTest, reference: Reference, name: str) -> None:
    sql = EQUAL[name]
    assert not engine.compile(sql).findings
    ordered = "ORDER BY" in sql.rpartition(")")[2]
    assert differences(reference.rows(sql), engine.rows(sql), ordered) == []


@pytest.mark.parametrize(("rule", "sql"), [(rule, sql) for rule, found in REFUSED.items() for sql in found])
def test_what_would_differ_is_refused(rule: str, sql: str) -> None:
    findings = compile_select(sql, SCHEMAS, locate=str).findings
    assert rule in {finding.rule for finding in findings}
