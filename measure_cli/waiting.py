"""The record of batches that are not published yet: what waits in the stages of models, is to come, or failed.

A row is written in the transaction that changes the stage, where the engine can do that. Batches that are computed side
by side change different rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from measure_cli.batches import BatchPlan, StagedBatch, StagedStatus
from measure_cli.ledger import forget, inserts
from measure_cli.ports import Session
from measure_cli.results import RunResult
from measure_cli.types import Batch, Statement


@dataclass(frozen=True, slots=True)
class Waiting:
    """The qualified name of its table."""

    staged: str

    def planned(self, run: RunResult, plan: BatchPlan, at: datetime) -> list[Statement]:
        """What waits in the stage of a relation, and what is still to come."""
        rows = [self._row(run, plan, one.batch, one.fingerprint, one.status, at) for one in plan.done]
        for batch in plan.batches:
            rows += [
                self._row(run, plan, part, fingerprint, StagedStatus.PENDING, at)
                for part, fingerprint in plan.pieces(batch)
            ]
        return [forget(self.staged, run.stack, [plan.relation]), *inserts(self.staged, rows)]

    def ended(
        self, run: RunResult, plan: BatchPlan, batch: Batch, status: StagedStatus, at: datetime, seconds: float
    ) -> list[Statement]:
        """A batch is in the stage, or failed; one row for each month that it touches."""
        rows = [
            {**self._row(run, plan, part, fingerprint, status, at), "seconds": seconds}
            for part, fingerprint in plan.pieces(batch)
        ]
        return [self._forgotten(run, plan, batch), *inserts(self.staged, rows)]

    def cut(
        self, run: RunResult, plan: BatchPlan, batch: Batch, parts: Sequence[Batch], at: datetime
    ) -> list[Statement]:
        """Parts of a batch are to come in its place: each has rows of its own, whichever ends first."""
        rows = [
            self._row(run, plan, piece, fingerprint, StagedStatus.PENDING, at)
            for part in parts
            for piece, fingerprint in plan.pieces(part)
        ]
        return [self._forgotten(run, plan, batch), *inserts(self.staged, rows)]

    def _forgotten(self, run: RunResult, plan: BatchPlan, batch: Batch) -> Statement:
        """Remove the rows of one batch, and none that another one could remove at the same time."""
        condition = "stack = $stack AND relation = $relation AND batch_start < $batch_end AND batch_end > $batch_start"
        values: dict[str, Any] = {
            "stack": run.stack, "relation": plan.relation, "batch_start": batch.start, "batch_end": batch.end,
        }  # fmt: skip
        if batch.stage is not None:
            condition, values = f"{condition} AND stage = $stage", {**values, "stage": batch.stage}
        return Statement(f"DELETE FROM {self.staged} WHERE {condition}", values)

    def _row(
        self, run: RunResult, plan: BatchPlan, batch: Batch, fingerprint: str, status: StagedStatus, at: datetime
    ) -> dict[str, Any]:
        return {
            "run_id": run.run_id, "stack": run.stack, "relation": plan.relation, "batch_start": batch.start,
            "batch_end": batch.end, "fingerprint": fingerprint, "status": status.value, "staged_at": at,
            "stage": batch.stage,
        }  # fmt: skip

    def read(self, session: Session, stack: str) -> dict[str, list[StagedBatch]]:
        """What waits for publication, or failed, by relation; an earlier version kept no stages."""
        sql = f"SELECT * FROM {self.staged} WHERE stack = $stack ORDER BY relation, batch_start"
        found = session.query(Statement(sql, {"stack": stack}))
        staged: dict[str, list[StagedBatch]] = {}
        for values in found.rows:
            row = dict(zip(found.columns, values, strict=True))
            batch = Batch(row["batch_start"], row["batch_end"], row.get("stage"))
            one = StagedBatch(batch, row["fingerprint"], StagedStatus(row["status"]))
            staged.setdefault(row["relation"], []).append(one)
        return staged
