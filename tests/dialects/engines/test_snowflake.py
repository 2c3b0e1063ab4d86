"""The adversarial SELECTs on the emulator of Snowflake: equal rows, refused, or named as its fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from measure_cli.errors import PlanError
from tests.dialects.engines.harness import EngineUnderTest, Reference, differences
from tests.dialects.engines.snowflake_engine import FAULTS, REFUSALS, SNOWFLAKE, STRICTER
from tests.dialects.engines.test_engines import EQUAL


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.fixture(scope="module")
def snowflake() -> Iterator[EngineUnderTest]:
    SNOWFLAKE.start()
    yield SNOWFLAKE
    SNOWFLAKE.stop()


@pytest.mark.parametrize("name", [name for name in EQUAL if name not in REFUSALS])
def test_rows_are_those_of_duckdb(
    request: pytest.FixtureRequest, snowflake: EngineUnderTest, reference: Reference, name: str
) -> None:
    if reason := FAULTS.get(name) or STRICTER.get(name):
        request.applymarker(pytest.mark.xfail(reason=reason))
    sql = EQUAL[name]
    assert not snowflake.compile(sql).findings
    ordered = "ORDER BY" in sql.rpartition(")")[2]
    assert differences(reference.rows(sql), snowflake.rows(sql), ordered) == []


@pytest.mark.parametrize("name", REFUSALS)
def test_what_snowflake_has_no_equal_for_is_refused(name: str) -> None:
    with pytest.raises(PlanError, match="which Snowflake has no equal for") as refused:
        SNOWFLAKE.compile(EQUAL[name])
    assert REFUSALS[name] in refused.value.message


def test_every_exception_is_a_case() -> None:
    assert [name for name in (*FAULTS, *STRICTER, *REFUSALS) if name not in EQUAL] == []
