"""The ledger of a target: what is published and from what it was made, inputs as they were seen.

It is written in the transaction that changes the data it speaks of, where the engine can do that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from measure_cli.batches import BatchPlan, Seen, days_text, parts_text, read_days, read_parts
from measure_cli.ports import Session
from measure_cli.results import RunResult, StepResult
from measure_cli.steps import BuiltRelation, Step
from measure_cli.types import Insertion, Statement

ROWS_A_STATEMENT = 50
DOUBTED = ""
"""The fingerprint of a month that is being written, replaced or taken out: whoever comes next does it again."""


def insert(table: str, *rows: Mapping[str, Any]) -> Statement:
    """Rows with the same columns in one statement; values are bound, the rest of the columns is NULL."""
    columns = list(rows[0])
    marks = ", ".join("(" + ", ".join(f"${name}_{number}" for name in columns) + ")" for number in range(len(rows)))
    values = {f"{name}_{number}": row[name] for number, row in enumerate(rows) for name in columns}
    return Insertion(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {marks}", values, table=table, rows=rows)


def inserts(table: str, rows: Sequence[Mapping[str, Any]]) -> list[Statement]:
    """Any number of rows, in statements whose parameters every driver takes."""
    return [insert(table, *rows[start : start + ROWS_A_STATEMENT]) for start in range(0, len(rows), ROWS_A_STATEMENT)]


def forget(table: str, stack: str, keys: Sequence[str], condition: str = "") -> Statement:
    """Remove the rows on some relations: all, or those that meet a condition."""
    names = {f"relation_{number}": key for number, key in enumerate(keys)}
    listed = ", ".join(f"${name}" for name in names)
    sql = f"DELETE FROM {table} WHERE stack = $stack AND relation IN ({listed})"
    return Statement(f"{sql} AND {condition}" if condition else sql, {"stack": stack, **names})


def forget_months(table: str, stack: str, key: str, plan: BatchPlan) -> Statement:
    """Remove what the ledger knows of the months that are replaced in a relation, less doubts."""
    values: dict[str, Any] = {"stack": stack, "relation": key}
    replaced = []
    for number, interval in enumerate(plan.replaced_months):
        replaced.append(f"(batch_start >= $start_{number} AND batch_start < $end_{number})")
        values |= {f"start_{number}": interval.start, f"end_{number}": interval.end}
    condition = f"stack = $stack AND relation = $relation AND fingerprint <> '{DOUBTED}'"
    return Statement(f"DELETE FROM {table} WHERE {condition} AND ({' OR '.join(replaced)})", values)


@dataclass(frozen=True, slots=True)
class Built:
    """A relation that is to be published; `plan` of an incremental model, `is_whole` if it was not built by batches.

    `clean` are the audits that found nothing in it, by name and identity.
    """

    step: Step
    result: StepResult
    plan: BatchPlan | None = None
    is_whole: bool = True
    clean: tuple[tuple[str, str], ...] = ()


def is_in_part(one: Built) -> bool:
    """Whether something of what was published before stays."""
    return one.plan is not None and not one.is_whole and not one.plan.is_full


@dataclass(frozen=True, slots=True)
class Ledger:
    """The qualified names of its tables: `batches` are published, `staged` wait, `days` are those of inputs.

    `clean` says by what audits nothing offends in what is published.
    """

    batches: str
    staged: str
    days: str
    clean: str

    def relations_built(self, run: RunResult, built: Sequence[Built], built_at: datetime) -> list[Statement]:
        """What the ledger says of relations that are published: the relation as a whole, and its months if it has any.

        Rows of relations as a whole have no bounds; rows of months that were not touched stay.
        """
        if not built:
            return []
        common = {"run_id": run.run_id, "stack": run.stack, "built_at": built_at}
        rows = [
            {
                **common, "relation": one.step.key, "fingerprint": one.step.fingerprint, "origin": one.step.origin,
                "batch_start": None, "batch_end": None, "row_count": one.result.rows, "seconds": one.result.seconds,
            }
            for one in built
        ]  # fmt: skip
        rows += [
            {
                **common, "relation": one.step.key, "fingerprint": month.fingerprint, "origin": None,
                "batch_start": month.month.start, "batch_end": month.month.end, "row_count": None, "seconds": None,
            }
            for one in built if one.plan for month in one.plan.months
        ]  # fmt: skip
        batched = [one.step.key for one in built if one.plan]
        staged = [forget(self.staged, run.stack, batched)] if batched else []
        return [
            *self._forgotten(run.stack, built),
            *inserts(self.batches, rows),
            *([self._settled(run.stack, batched)] if batched else []),
            *staged,
            *self._days(run, built, built_at),
            *inserts(self.clean, self._clean(run, built)),
        ]

    def relations_kept(self, run: RunResult, steps: Sequence[Step]) -> list[Statement]:
        """Relations that stay as they are published are what would be built now, and from that."""
        known = "stack = $stack AND relation = $relation AND batch_start IS NULL"
        sql = f"UPDATE {self.batches} SET fingerprint = $fingerprint, origin = $origin WHERE {known}"
        return [
            Statement(
                sql,
                {"fingerprint": step.fingerprint, "origin": step.origin, "stack": run.stack, "relation": step.key},
            )
            for step in steps
        ]

    def _clean(self, run: RunResult, built: Sequence[Built]) -> list[dict[str, Any]]:
        return [
            {"stack": run.stack, "relation": one.step.key, "audit": audit, "identity": identity}
            for one in built
            for audit, identity in one.clean
        ]

    def doubted(self, stack: str, built: Sequence[Built]) -> list[Statement]:
        """The ledger no longer answers for these relations, or for the months that are replaced in them.

        But it knows these months, those too that are new: of a month that nothing knows rows would stay for ever, if
        the run dies and the inputs have none of it any more when the next one begins.
        """
        rows = [
            {
                "stack": stack, "relation": one.step.key, "fingerprint": DOUBTED,
                "batch_start": month.start, "batch_end": month.end,
            }
            for one in built if is_in_part(one) and one.plan
            for month in (*(month.month for month in one.plan.months), *one.plan.dropped)
        ]  # fmt: skip
        return [*inserts(self.batches, rows), *self._forgotten(stack, built)]

    def _forgotten(self, stack: str, built: Sequence[Built]) -> list[Statement]:
        """All that the ledger says of these relations, or of the months that are replaced in them, less doubts."""
        if not built:
            return []
        parts = {one.step.key: one.plan for one in built if one.plan and is_in_part(one)}
        whole = [one.step.key for one in built if one.step.key not in parts]
        statements = [forget(self.clean, stack, [one.step.key for one in built])]
        statements += [forget(self.batches, stack, whole)] if whole else []
        statements += [forget(self.batches, stack, [*parts], "batch_start IS NULL")] if parts else []
        months = [forget_months(self.batches, stack, key, plan) for key, plan in parts.items() if plan.replaced_months]
        return [*statements, *months]

    def _settled(self, stack: str, keys: Sequence[str]) -> Statement:
        """What was in doubt is published, or gone."""
        return forget(self.batches, stack, keys, f"batch_start IS NOT NULL AND fingerprint = '{DOUBTED}'")

    def _days(self, run: RunResult, built: Sequence[Built], seen_at: datetime) -> list[Statement]:
        """The inputs of incremental models as this run has seen them."""
        seen = {one.relation: one for done in built if done.plan for one in done.plan.seen}
        rows = [
            {
                "stack": run.stack, "relation": one.relation, "version": one.version, "days": days_text(one.days),
                "parts": parts_text(one.parts), "seen_at": seen_at,
            }
            for one in seen.values()
        ]  # fmt: skip
        return [forget(self.days, run.stack, [*seen]), *inserts(self.days, rows)] if seen else []

    def read_ledger(self, session: Session, stack: str) -> dict[str, BuiltRelation]:
        """What is published, and what it was made from; an earlier version knew of no origins."""
        sql = f"SELECT * FROM {self.batches} WHERE stack = $stack AND batch_start IS NULL"
        found = session.query(Statement(sql, {"stack": stack}))
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        return {
            row["relation"]: BuiltRelation(row["relation"], row["fingerprint"], row["row_count"], row.get("origin"))
            for row in rows
        }

    def read_months(self, session: Session, stack: str) -> dict[str, dict[datetime, str]]:
        """The published months of incremental models: relation -> first moment -> fingerprint.

        Where a run died before it removed the doubt about what it had published, both are there: the doubt is read
        first.
        """
        sql = (
            f"SELECT relation, batch_start, fingerprint FROM {self.batches} "
            "WHERE stack = $stack AND batch_start IS NOT NULL ORDER BY fingerprint"
        )
        months: dict[str, dict[datetime, str]] = {}
        for relation, start, fingerprint in session.query(Statement(sql, {"stack": stack})).rows:
            months.setdefault(relation, {})[start] = fingerprint
        return months

    def read_clean(self, session: Session, stack: str) -> dict[str, dict[str, str]]:
        """For every relation the audits by which what is published is known to be clean: identity -> name."""
        sql = f"SELECT relation, identity, audit FROM {self.clean} WHERE stack = $stack"
        found: dict[str, dict[str, str]] = {}
        for relation, identity, audit in session.query(Statement(sql, {"stack": stack})).rows:
            found.setdefault(relation, {})[identity] = audit
        return found

    def read_seen(self, session: Session, stack: str) -> dict[str, Seen]:
        """The inputs of incremental models as they were seen last; an earlier version knew of no parts."""
        found = session.query(Statement(f"SELECT * FROM {self.days} WHERE stack = $stack", {"stack": stack}))
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        return {
            row["relation"]: Seen(
                row["relation"], row["version"], read_days(row["days"]), read_parts(row.get("parts") or "{}")
            )
            for row in rows
        }
