"""After a statement that failed the next one gets its own rows, and nothing of the other's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from measure_cli.errors import EngineError
from measure_cli.ports import Session
from measure_cli.types import Statement
from tests.engines.bench import Workplace

# Late: rows are on their way before it fails, so that there is something to be left.
LATE = {
    "duckdb": "SELECT $word AS word, max(CASE WHEN i = 900000 THEN error('too far') END) AS told "
    "FROM range(1000000) AS t(i)",
    "clickhouse": "SELECT $word AS word, throwIf(number = 900000, 'too far') AS told "
    "FROM numbers(1000000) SETTINGS max_block_size = 1000",
}
EARLY = {
    "duckdb": "SELECT $word AS word, error('too far') AS told",
    "clickhouse": "SELECT $word AS word, throwIf(materialize(1) = 1, 'too far') AS told",
}


def executed(session: Session, statement: Statement, folder: Path) -> None:
    session.execute(statement)


def queried(session: Session, statement: Statement, folder: Path) -> None:
    session.query(statement)


def unloaded(session: Session, statement: Statement, folder: Path) -> None:
    session.unload(statement, (("word", "VARCHAR"), ("told", "BIGINT")), folder / "rows.duckdb")


def in_transaction(session: Session, statement: Statement, folder: Path) -> None:
    session.transaction([statement])


@pytest.mark.parametrize("has_value", [True, False], ids=["value", "literal"])
@pytest.mark.parametrize("failing", [LATE, EARLY], ids=["late", "early"])
@pytest.mark.parametrize("run", [executed, queried, unloaded, in_transaction], ids=lambda run: str(run.__name__))
def test_the_next_answer_is_whole(
    place: Workplace,
    tmp_path: Path,
    run: Callable[[Session, Statement, Path], None],
    failing: Mapping[str, str],
    has_value: bool,
) -> None:
    sql = failing[place.bench.kind]
    statement = Statement(sql, {"word": "x"}) if has_value else Statement(sql.replace("$word", "'x'"))
    with pytest.raises(EngineError, match="too far"):
        run(place.session, statement, tmp_path)
    found = place.query("SELECT 7 AS seven, 'y' AS word")
    assert (found.columns, found.rows) == (("seven", "word"), ((7, "y"),))
