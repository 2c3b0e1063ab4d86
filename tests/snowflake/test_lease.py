"""The cases of a lease, on the emulator, less the race: of two changes of a row DuckDB fails one, Snowflake waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from measure_cli.claims import Claim
from measure_cli.ddl.snowflake import SnowflakeDdl
from measure_cli.engines.snowflake_session import SnowflakeEngine
from measure_cli.types import Statement
from tests.engines.lease_cases import CASES, Rivals, of_many_at_once_one_wins

ALONE = [case for case in CASES if case is not of_many_at_once_one_wins]


@pytest.mark.parametrize("case", ALONE, ids=[case.__name__ for case in ALONE])
def test_the_lease(engine: SnowflakeEngine, case: Callable[[Rivals], None]) -> None:
    case(Rivals(engine, SnowflakeDdl("analytics")))


def test_every_group_of_changes_ends_with_a_check_that_keeps_the_row() -> None:
    claim = Claim("starter", "token", "run", "ann@host pid 7", "build", 60_000)
    sent = [
        Statement(text)
        for text in ("CREATE TABLE a (b INT)", "DELETE FROM c", "INSERT INTO c SELECT 1", "DROP TABLE a")
    ]
    fenced = SnowflakeDdl("analytics").lease().fenced(claim, sent)
    assert [statement.sql.split()[0] for statement in fenced] == [
        "SELECT", "CREATE", "DELETE", "INSERT", "UPDATE", "SELECT", "DROP",
    ]  # fmt: skip
