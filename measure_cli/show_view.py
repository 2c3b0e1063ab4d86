"""Relations, status and runs in detail: as text for people, as data for programs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from measure_cli.batch_view import count_of
from measure_cli.cells import shown, to_the_second
from measure_cli.console import make_console, print_lines, print_table
from measure_cli.results import Answer, AuditResult, Rejected, RunResult, Shown, Status, StepResult, StepStatus, Table
from measure_cli.tables import with_headings


def records(table: Table | None) -> list[dict[str, Any]] | None:
    """Rows as JSON objects."""
    return None if table is None else [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def as_json(found: Shown) -> dict[str, Any]:
    """A relation as data."""
    columns = [{"name": name, "type": kind, "description": text} for name, kind, text in found.columns]
    return {**found.facts, "columns": columns, "audits": list(found.audits), "rows": records(found.rows)}


def print_listing(facts: Sequence[Mapping[str, Any]], color: bool) -> None:
    """Relations, one a line."""
    rows = tuple(
        (
            fact["name"],
            fact["materialized"] or fact["kind"],
            fact["layer"],
            fact["audits"],
            ", ".join(fact["tags"]),
            fact["left_out"] or "",
        )
        for fact in facts
    )
    print_table(Table(("name", "kind", "layer", "audits", "tags", "left out"), rows), color)


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
        note = (
            f"{count} of {count_of(len(answer.table.rows), 'row')}, side by side: the table is wider than the terminal"
        )
        print_lines([f"{note}; --json has them all"], color, stderr=True)
    if answer.has_more:
        print_lines([f"the first {count_of(len(answer.table.rows), 'row')}; more with --limit"], color, stderr=True)


def print_summary(title: str, rows: Table, next_commands: Sequence[str], color: bool) -> None:
    """The table that ends a build, whole however narrow the terminal is, and what to do next."""
    print_lines(["", title], color, stderr=True)
    print_table(with_headings(rows), color, stderr=True, most=len(rows.rows))
    if next_commands:
        print_lines(["", "Try next:", *(f"  {command}" for command in next_commands)], color, stderr=True)


def print_rejected(found: Sequence[Rejected], color: bool) -> None:
    """How many rows of which source are not used, and where it stands why."""
    lines = (f"rejected: {count_of(one.rows, 'row')} of source {one.source}; why: {one.look}" for one in found)
    print_lines(lines, color, stderr=True)


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
        print_table(in_short(found.built), color)
    if found.batches is not None and found.batches.rows:
        print_lines(["", "batches of incremental models:"], color)
        print_table(found.batches, color)
    if found.audits is not None and found.audits.rows:
        print_lines(["", "audits of that run that did not pass:"], color)
        print_table(found.audits, color)


def in_short(table: Table) -> Table:
    """Moments without fractions of seconds, durations in hundredths of seconds."""
    rows = (
        tuple(
            to_the_second(value) if isinstance(value, datetime) else round(value, 2) if name == "seconds" else value
            for name, value in zip(table.columns, row, strict=True)
        )
        for row in table.rows
    )
    return Table(table.columns, tuple(rows))


def run_line(target: str, run: Mapping[str, Any]) -> str:
    """The last run in one line."""
    ended = f"{run['seconds']:.2f} s" if run["seconds"] is not None else "not finished"
    built = count_of(run["relations_built"] or 0, "relation")
    return (
        f"{target}: {run['command']} {run['run_id']} {run['status']}, as of {run['as_of']}, "
        f"started {shown(to_the_second(run['started_at']))} UTC, {ended}, {built} built"
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
        "rejected": [
            {"source": found.source, "rows": found.rows, "relation": found.relation} for found in result.rejected
        ],
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
