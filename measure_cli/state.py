"""State tables in the target, schema `measure_state`: what ran, what is built from what, how audits ended.

Nothing of a run's state stands on disk beside the target. What is said of data is written in the transaction that
publishes the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from measure_cli.batches import StagedStatus
from measure_cli.ledger import DOUBTED, Ledger, insert, inserts
from measure_cli.ports import Session
from measure_cli.results import AuditResult, RunResult, Table
from measure_cli.types import Statement
from measure_cli.waiting import Waiting

TABLES: Mapping[str, Mapping[str, str]] = {
    "runs": {
        "run_id": "VARCHAR", "command": "VARCHAR", "stack": "VARCHAR", "as_of": "DATE", "status": "VARCHAR",
        "started_at": "TIMESTAMP", "finished_at": "TIMESTAMP", "seconds": "DOUBLE",
        "relations_built": "BIGINT", "relations_failed": "BIGINT", "version": "VARCHAR",
    },
    "batches": {
        "run_id": "VARCHAR", "stack": "VARCHAR", "relation": "VARCHAR",
        "batch_start": "TIMESTAMP", "batch_end": "TIMESTAMP", "fingerprint": "VARCHAR",
        "row_count": "BIGINT", "seconds": "DOUBLE", "built_at": "TIMESTAMP", "origin": "VARCHAR",
    },
    "staged": {
        "run_id": "VARCHAR", "stack": "VARCHAR", "relation": "VARCHAR",
        "batch_start": "TIMESTAMP", "batch_end": "TIMESTAMP", "fingerprint": "VARCHAR", "status": "VARCHAR",
        "seconds": "DOUBLE", "staged_at": "TIMESTAMP", "stage": "VARCHAR",
    },
    "days": {
        "stack": "VARCHAR", "relation": "VARCHAR", "version": "VARCHAR", "days": "VARCHAR", "seen_at": "TIMESTAMP",
        "parts": "VARCHAR",
    },
    "clean": {"stack": "VARCHAR", "relation": "VARCHAR", "audit": "VARCHAR", "identity": "VARCHAR"},
    "audits": {
        "run_id": "VARCHAR", "stack": "VARCHAR", "relation": "VARCHAR", "audit": "VARCHAR", "severity": "VARCHAR",
        "status": "VARCHAR", "failures": "BIGINT", "seconds": "DOUBLE", "audited_at": "TIMESTAMP",
    },
}  # fmt: skip
# table and column of text: what earlier versions made has the tables without them
ADDED = (("staged", "stage"), ("days", "parts"), ("batches", "origin"))


@dataclass(frozen=True, slots=True)
class StateTables:
    """The state tables of a target: their qualified names, and the statements that make them where they are missing."""

    runs: str
    batches: str
    staged: str
    days: str
    clean: str
    audits: str
    create: tuple[Statement, ...]

    @property
    def ledger(self) -> Ledger:
        """What is published, and what waits for it."""
        return Ledger(self.batches, self.staged, self.days, self.clean)

    @property
    def waiting(self) -> Waiting:
        """What is not published yet."""
        return Waiting(self.staged)

    def run_started(self, run: RunResult, started_at: datetime, version: str) -> list[Statement]:
        """The run begins; an earlier run of the stack that never ended was killed."""
        killed = f"UPDATE {self.runs} SET status = 'interrupted' WHERE status = 'running' AND stack = $stack"
        row = {
            "run_id": run.run_id, "command": run.command, "stack": run.stack, "as_of": run.as_of.isoformat(),
            "status": "running", "started_at": started_at, "version": version,
        }  # fmt: skip
        return [Statement(killed, {"stack": run.stack}), insert(self.runs, row)]

    def run_finished(self, run: RunResult, finished_at: datetime) -> Statement:
        """The run is over."""
        built = sum(result.status == "built" for result in run.models)
        failed = sum(result.status in ("failed", "skipped", "held") for result in run.models)
        sql = (
            f"UPDATE {self.runs} SET status = $status, finished_at = $finished_at, seconds = $seconds, "
            "relations_built = $built, relations_failed = $failed WHERE run_id = $run_id"
        )
        values = {
            "status": run.status,
            "finished_at": finished_at,
            "seconds": run.seconds,
            "built": built,
            "failed": failed,
        }
        return Statement(sql, {**values, "run_id": run.run_id})  # type: ignore[dict-item]  # drivers bind timestamps

    def audit_rows(self, run: RunResult, audits: Sequence[AuditResult], audited_at: datetime) -> list[Statement]:
        """One row per audit, so that a trend exists; none is there twice when they are written again."""
        rows = [
            {
                "run_id": run.run_id, "stack": run.stack, "relation": audit.model, "audit": audit.name,
                "severity": audit.severity.value, "status": audit.status.value, "failures": audit.failures,
                "seconds": audit.seconds, "audited_at": audited_at,
            }
            for audit in audits
        ]  # fmt: skip
        before = Statement(f"DELETE FROM {self.audits} WHERE run_id = $run_id", {"run_id": run.run_id})
        return [before, *inserts(self.audits, rows)]

    def read_last_run(self, session: Session, stack: str) -> Mapping[str, Any] | None:
        """The newest run of a stack."""
        sql = f"SELECT * FROM {self.runs} WHERE stack = $stack ORDER BY started_at DESC LIMIT 1"
        table = session.query(Statement(sql, {"stack": stack}))
        return dict(zip(table.columns, table.rows[0], strict=True)) if table.rows else None

    def read_stacks(self, session: Session) -> dict[str, date]:
        """Every stack of the target, with the day of reference of its last run."""
        rows = session.query(Statement(f"SELECT stack, as_of FROM {self.runs} ORDER BY started_at")).rows
        return dict(rows)

    def read_last_audits(self, session: Session, run_id: str) -> Table:
        """Audits of a run that did not pass."""
        sql = (
            f"SELECT relation, audit, severity, status, failures FROM {self.audits} "
            "WHERE run_id = $run_id AND status <> 'pass' ORDER BY relation, audit"
        )
        return session.query(Statement(sql, {"run_id": run_id}))

    def read_built(self, session: Session, stack: str) -> Table:
        """Everything that is published, with its time and size."""
        sql = (
            f"SELECT relation, row_count, built_at, seconds FROM {self.batches} "
            "WHERE stack = $stack AND batch_start IS NULL ORDER BY built_at, relation"
        )
        return session.query(Statement(sql, {"stack": stack}))

    def read_progress(self, session: Session, stack: str) -> Table:
        """For every incremental model how many batches are published, wait, are still to come, failed."""
        sql = (
            f"SELECT relation, 'published' AS status FROM {self.batches} "
            f"WHERE stack = $stack AND batch_start IS NOT NULL AND fingerprint <> '{DOUBTED}' "
            f"UNION ALL SELECT relation, status FROM {self.staged} WHERE stack = $stack"
        )
        counts: dict[str, Counter[str]] = {}
        for relation, status in session.query(Statement(sql, {"stack": stack})).rows:
            counts.setdefault(relation, Counter())[status] += 1
        columns = ("published", *(status.value for status in StagedStatus))
        rows = ((name, *(count[column] for column in columns)) for name, count in sorted(counts.items()))
        return Table(("relation", *columns), tuple(rows))
