"""Whatever the portable style can say is the same on every engine; what DuckDB itself cannot compute does not count."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.dialects.engines.expressions import queries
from tests.dialects.engines.harness import CHDB, EngineUnderTest, Reference, differences


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineUnderTest]:
    CHDB.start()
    yield CHDB
    CHDB.stop()


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(sql=queries())
def test_any_expression_is_the_same_everywhere(engine: EngineUnderTest, reference: Reference, sql: str) -> None:
    try:
        expected = reference.rows(sql)
    except duckdb.Error:
        assume(False)
    assume(not engine.compile(sql).findings)
    assert differences(expected, engine.rows(sql), ordered=False) == []
