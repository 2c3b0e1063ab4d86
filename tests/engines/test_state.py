"""State tables: rows that are inserted, changed and removed one by one, by the same statements on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from measure_cli.connecting import state_tables
from measure_cli.kinds import Severity
from measure_cli.ledger import insert
from measure_cli.results import AuditResult, AuditStatus, RunResult
from measure_cli.state import TABLES
from measure_cli.types import Statement, Value
from tests.engines.bench import Workplace

NOW = datetime(2026, 7, 1, 12, 30, 15, 123456)
RUN = RunResult("run-1", "build", "bench", "starter", date(2026, 7, 1), "running")


def test_a_run_is_recorded(place: Workplace) -> None:
    tables = state_tables(place.ddl)
    for _ in range(2):  # a second run finds them there
        place.run(*tables.create)
    place.run(*(Statement(f"DELETE FROM {table} WHERE 1 = 1") for table in (tables.runs, tables.audits)))
    place.session.transaction(tables.run_started(RUN, NOW, "1.0"))
    later = replace(RUN, run_id="run-2")
    place.session.transaction(tables.run_started(later, NOW + timedelta(seconds=1), "1.0"))
    audits = [
        AuditResult(f"model {number}", "it's \\ unique", Severity.ERROR, AuditStatus.FAIL, number)
        for number in range(120)
    ]
    place.session.transaction(
        [
            *tables.audit_rows(later, audits, NOW),
            tables.run_finished(replace(later, status="success", seconds=1.5), NOW),
        ]
    )
    runs = place.query(f"SELECT run_id, status, as_of, started_at, seconds FROM {tables.runs} ORDER BY run_id").rows
    assert runs == (
        ("run-1", "interrupted", RUN.as_of, NOW, None),
        ("run-2", "success", RUN.as_of, NOW + timedelta(seconds=1), 1.5),
    )
    last = tables.read_last_run(place.session, "starter")
    assert last is not None
    assert (last["run_id"], last["finished_at"]) == ("run-2", NOW)
    assert len(tables.read_last_audits(place.session, "run-2").rows) == 120
    assert tables.read_last_run(place.session, "another stack") is None


def test_rows_are_changed_and_removed(place: Workplace) -> None:
    place.run(place.ddl.state_table(place.name("runs"), TABLES["runs"]))
    table = place.name("runs")
    rows = [{"run_id": f"run-{number}", "status": "running", "seconds": None} for number in range(10)]
    place.run(insert(table, *rows))
    changed = "UPDATE {} SET status = $status, seconds = $seconds WHERE run_id = $run_id"
    for number in range(5):
        values: dict[str, Value] = {"status": "done", "seconds": number / 2, "run_id": f"run-{number}"}
        place.run(Statement(changed.format(table), values))
    place.run(Statement(changed.format(table), {"status": None, "seconds": 7.0, "run_id": "run-9"}))
    place.run(
        Statement(
            f"DELETE FROM {table} WHERE run_id IN ($a, $b) OR seconds = $c", {"a": "run-0", "b": "run-8", "c": 1.0}
        )
    )
    found = place.query(f"SELECT run_id, status, seconds FROM {table} ORDER BY run_id").rows
    assert found == (
        ("run-1", "done", 0.5),
        ("run-3", "done", 1.5),
        ("run-4", "done", 2.0),
        *((f"run-{number}", "running", None) for number in (5, 6, 7)),
        ("run-9", None, 7.0),
    )
