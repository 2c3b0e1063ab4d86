"""State tables in the target, schema `measure_state`: what ran, what is built from what, how audits ended.

Nothing of a run's state stands on disk beside the target. What is said of data is written in the transaction that
publishes the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from measure_cli.ports import Session
from measure_cli.results import AuditResult, RunResult, StepResult, Table
from measure_cli.types import BuiltRelation, Statement, Step

ROWS_A_STATEMENT = 50
TABLES: Mapping[str, Mapping[str, str]] = {
    "runs": {
        "run_id": "VARCHAR", "command": "VARCHAR", "stack": "VARCHAR", "as_of": "DATE", "status": "VARCHAR",
        "started_at": "TIMESTAMP", "finished_at": "TIMESTAMP", "seconds": "DOUBLE",
        "relations_built": "BIGINT", "relations_failed": "BIGINT", "version": "VARCHAR",
    },
    "batches": {
        "run_id": "VARCHAR", "stack": "VARCHAR", "relation": "VARCHAR",
        "batch_start": "TIMESTAMP", "batch_end": "TIMESTAMP", "fingerprint": "VARCHAR",
        "row_count": "BIGINT", "seconds": "DOUBLE", "built_at": "TIMESTAMP",
    },
    "audits": {
        "run_id": "VARCHAR", "stack": "VARCHAR", "relation": "VARCHAR", "audit": "VARCHAR", "severity": "VARCHAR",
        "status": "VARCHAR", "failures": "BIGINT", "seconds": "DOUBLE", "audited_at": "TIMESTAMP",
    },
}  # fmt: skip


def insert(table: str, *rows: Mapping[str, Any]) -> Statement:
    """Rows with the same columns in one statement; values are bound, the rest of the columns is NULL."""
    columns = list(rows[0])
    marks = ", ".join("(" + ", ".join(f"${name}_{number}" for name in columns) + ")" for number in range(len(rows)))
    values = {f"{name}_{number}": row[name] for number, row in enumerate(rows) for name in columns}
    return Statement(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {marks}", values)


def inserts(table: str, rows: Sequence[Mapping[str, Any]]) -> list[Statement]:
    """Any number of rows, in statements whose parameters every driver takes."""
    return [insert(table, *rows[start : start + ROWS_A_STATEMENT]) for start in range(0, len(rows), ROWS_A_STATEMENT)]


@dataclass(frozen=True, slots=True)
class StateTables:
    """The state tables of a target: their qualified names, and the statements that make them where they are missing."""

    runs: str
    batches: str
    audits: str
    create: tuple[Statement, ...]

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

    def relations_built(
        self, run: RunResult, built: Sequence[tuple[Step, StepResult]], built_at: datetime
    ) -> list[Statement]:
        """The ledger's rows of relations that were built whole: their bounds are NULL, earlier rows go."""
        if not built:
            return []
        rows = [
            {
                "run_id": run.run_id, "stack": run.stack, "relation": step.key, "fingerprint": step.fingerprint,
                "row_count": result.rows, "seconds": result.seconds, "built_at": built_at,
            }
            for step, result in built
        ]  # fmt: skip
        names = {f"relation_{number}": step.key for number, (step, _) in enumerate(built)}
        listed = ", ".join(f"${name}" for name in names)
        forget = f"DELETE FROM {self.batches} WHERE stack = $stack AND relation IN ({listed})"
        return [Statement(forget, {"stack": run.stack, **names}), *inserts(self.batches, rows)]

    def audit_rows(self, run: RunResult, audits: Sequence[AuditResult], audited_at: datetime) -> list[Statement]:
        """One row per audit, so that a trend exists."""
        rows = [
            {
                "run_id": run.run_id, "stack": run.stack, "relation": audit.model, "audit": audit.name,
                "severity": audit.severity.value, "status": audit.status.value, "failures": audit.failures,
                "seconds": audit.seconds, "audited_at": audited_at,
            }
            for audit in audits
        ]  # fmt: skip
        return inserts(self.audits, rows)

    def read_ledger(self, session: Session, stack: str) -> dict[str, BuiltRelation]:
        """What is published, and what it was made from."""
        sql = (
            f"SELECT relation, fingerprint, row_count FROM {self.batches} WHERE stack = $stack AND batch_start IS NULL"
        )
        rows = session.query(Statement(sql, {"stack": stack})).rows
        return {name: BuiltRelation(name, fingerprint, count) for name, fingerprint, count in rows}

    def read_last_run(self, session: Session, stack: str) -> Mapping[str, Any] | None:
        """The newest run of a stack."""
        sql = f"SELECT * FROM {self.runs} WHERE stack = $stack ORDER BY started_at DESC LIMIT 1"
        table = session.query(Statement(sql, {"stack": stack}))
        return dict(zip(table.columns, table.rows[0], strict=True)) if table.rows else None

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
