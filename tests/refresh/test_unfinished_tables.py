"""What ClickHouse leaves behind when it dies in the middle of CREATE OR REPLACE goes with the next run."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

from measure_cli.connecting import open_engine
from measure_cli.ddl.clickhouse_leftovers import UNFINISHED, name_hash
from measure_cli.project import Overrides, load_project
from measure_cli.types import Statement
from tests.refresh.forked import chdb_content, elsewhere, move_to_chdb
from tests.refresh.test_kill_soak import rows_of
from tests.refresh.visits import AS_OF, open_visits

OURS = [
    f"marts.{UNFINISHED}{name_hash('marts' + name)}_abcdefgh"
    for name in ("fct_touched", "fct_total__next", "fct_daily__batches", "int_touched")
]
OTHERS = [f"marts.{UNFINISHED}{name_hash('marts' + 'of_somebody_else')}_abcdefgh", f"marts.{UNFINISHED}"]


def leave_behind(folder: Path) -> list[str]:
    """Make such tables; returns the hashes that the engine computes itself."""
    project = load_project(Overrides(date.fromisoformat(AS_OF), folder))
    with closing(open_engine(project, read_only=False)) as engine, closing(engine.session()) as session:
        for name in (*OURS, *OTHERS):
            session.execute(Statement(f"CREATE TABLE {name} (nothing Bool) ENGINE = MergeTree ORDER BY ()"))
        sql = "SELECT lower(hex(sipHash64(concat('marts', arrayJoin(['fct_touched', 'é', ''])))))"
        return [row[0] for row in session.query(Statement(sql)).rows]


def test_only_tables_of_the_stack_are_removed(tmp_path: Path) -> None:
    shop = move_to_chdb(open_visits(tmp_path, rows_of(0)))
    shop.build()
    assert elsewhere(leave_behind, tmp_path) == [name_hash("marts" + name) for name in ("fct_touched", "é", "")]
    shop.refresh()
    assert [name for name in elsewhere(chdb_content, tmp_path) if UNFINISHED in name] == sorted(OTHERS)
