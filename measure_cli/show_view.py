"""Relations, status and runs in detail: as text for people, as data for programs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from measure_cli.console import make_console, print_lines, print_table, shown
from measure_cli.results import Answer, AuditResult, RunResult, Shown, Status, StepResult, StepStatus, Table


def records(table: Table | None) -> list[dict[str, Any]] | None:
    """Rows as JSON objects."""
    return None if table is None else [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def as_json(found: Shown) -> dict[str, Any]:
    """A relation as data."""
    columns = [{"name": name, "type": kind, "description": text} for name, kind, text in found.columns]
    return {**found.facts, "columns": columns, "audits": list(found.audits), "rows": records(found.rows)}


def print_shown(found: Shown, color: bool) -> None:
    """A relation for people."""
    facts = found.facts
    kind = facts["materialized"] or facts["kind"]
    lines = [f"{facts['layer']}.{facts['name'].removeprefix('source.')} ({kind})", facts["description"]]
    if facts["reads"]:
        lines.append(f"reads: {', '.join(facts['reads'])}")
    if found.audits:
        lines.append(f"audits: {', '.join(found.audits)}")
    print_lines([line for line in lines if line], color)
    make_console(False, color).print()
    print_table(Table(("column", "type", "meaning"), found.columns), color)
    make_console(False, color).print()
    if found.rows is None:
        print_lines([f"left out: {facts['left_out']}" if facts["left_out"] else "not built yet: measure build"], color)
    else:
        print_table(found.rows, color)


def answer_json(answer: Answer) -> dict[str, Any]:
    """The rows of a query as data."""
    names = distinct_names(answer.table.columns)
    columns = [{"name": name, "type": kind} for name, kind in zip(names, answer.types, strict=True)]
    rows = records(Table(names, answer.table.rows))
    return {"columns": columns, "rows": rows, "has_more": answer.has_more}


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that tell columns apart: a repeated one gets a number.

    >>> distinct_names(["day", "n", "day", "day_2", "day"])
    ('day', 'n', 'day_3', 'day_2', 'day_4')
    """
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        found.append(next(free for free in numbered if free not in (*names, *found)) if name in found else name)
    return tuple(found)


def print_answer(answer: Answer, color: bool, tells: bool) -> None:
    """The rows of a query for people; on stderr whether there are more."""
    count = print_table(answer.table, color)
    if not tells:
        return
    if count < len(answer.table.rows):
        note = f"{count} of {len(answer.table.rows)} rows, side by side: the table is wider than the terminal"
        print_lines([f"{note}; --json has them all"], color, stderr=True)
    if answer.has_more:
        print_lines([f"the first {len(answer.table.rows)} rows; more with --limit"], color, stderr=True)


def print_lineage(found: Mapping[str, Any], color: bool) -> None:
    """Where a relation or a column comes from and goes to, as two trees."""
    lines = [node_name(found)]
    for heading in ("upstream", "downstream"):
        lines += ["", heading, *(tree_lines(found[heading]) if found[heading] else ["  nothing"])]
    if found.get("deciding"):
        lines += ["", "rows are decided by", *(f"  {name}" for name in found["deciding"])]
    print_lines(lines, color)


def tree_lines(branches: Sequence[Mapping[str, Any]], depth: int = 1) -> Iterator[str]:
    """One line for each node, indented below the node it belongs to."""
    for branch in branches:
        notes = [text for key, text in (("pseudonymized", "pseudonymized"), ("repeated", "see above")) if key in branch]
        yield "  " * depth + node_name(branch) + (f" ({', '.join(notes)})" if notes else "")
        yield from tree_lines(branch.get("branches", ()), depth + 1)


def node_name(node: Mapping[str, Any]) -> str:
    """A relation, or a column with its relation."""
    return f"{node['name']}.{node['column']}" if node.get("column") else str(node["name"])


def status_json(found: Status) -> dict[str, Any]:
    """The state of a target as data."""
    return {
        "target": found.target,
        "run": found.run,
        "relations": records(found.built),
        "audits": records(found.audits),
        "batches": records(found.batches),
    }


def print_status(found: Status, color: bool) -> None:
    """The state of a target for people."""
    if found.run is None:
        print_lines([f"{found.target}: nothing was built here yet: measure build"], color)
        return
    print_lines([run_line(found.target, found.run)], color)
    if found.built is not None:
        print_table(found.built, color)
    if found.batches is not None and found.batches.rows:
        print_lines(["", "batches of incremental models:"], color)
        print_table(found.batches, color)
    if found.audits is not None and found.audits.rows:
        print_lines(["", "audits of that run that did not pass:"], color)
        print_table(found.audits, color)


def run_line(target: str, run: Mapping[str, Any]) -> str:
    """The last run in one line."""
    ended = f"{run['seconds']:.2f} s" if run["seconds"] is not None else "not finished"
    return (
        f"{target}: {run['command']} {run['run_id']} {run['status']}, as of {run['as_of']}, "
        f"started {shown(run['started_at'])} UTC, {ended}, {run['relations_built'] or 0} relations built"
    )


def run_json(result: RunResult) -> dict[str, Any]:
    """A run as data: the document of `--json`."""
    return {
        "run_id": result.run_id,
        "command": result.command,
        "target": result.target,
        "stack": result.stack,
        "as_of": result.as_of,
        "status": result.status,
        "models": [model_json(model) for model in result.models],
        "audits": [audit_json(audit) for audit in result.audits],
        "seconds": round(result.seconds, 3),
    }


def model_json(model: StepResult) -> dict[str, Any]:
    """One relation of a run."""
    whole = 1 if model.status is StepStatus.BUILT else 0
    batches = whole if model.batches is None else model.batches
    facts = {"name": model.name, "kind": model.kind.value, "status": model.status.value, "rows": model.rows}
    return {**facts, "batches": batches, "seconds": round(model.seconds, 3), "reason": model.reason}


def audit_json(audit: AuditResult) -> dict[str, Any]:
    """One audit of a run."""
    facts = {"model": audit.model, "name": audit.name, "severity": audit.severity.value, "status": audit.status.value}
    return {**facts, "failures": audit.failures, "seconds": round(audit.seconds, 3), "message": audit.message}
