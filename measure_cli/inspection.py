"""The verbs that only look: list, show, lineage, status. They return what they found; nothing here prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from measure_cli.connecting import is_there, read_content, session_of, state_tables, target_text
from measure_cli.errors import NothingSelected, PlanError
from measure_cli.request import Request, load_quietly, opened
from measure_cli.results import Shown, Status, Table
from measure_cli.types import STATE_SCHEMA, Statement

if TYPE_CHECKING:
    from measure_cli.catalog import Relation
    from measure_cli.loading import Loaded

PREVIEW_ROWS = 10


def listing(request: Request) -> list[dict[str, Any]]:
    """The selected relations as plain data."""
    loaded = load_quietly(request)
    chosen = (loaded.catalog.relations[key] for key in chosen_by(request, loaded))
    return [relation_facts(relation) for relation in chosen if not relation.is_internal]


def chosen_by(request: Request, loaded: Loaded) -> tuple[str, ...]:
    """Names that the request selects; the target is only looked at when the selection asks what has changed."""
    from measure_cli.plan import Content, Selection, asks_for_changes, choose

    selection = Selection(request.select, request.exclude)
    if not asks_for_changes(selection) or not is_there(loaded.project):
        return choose(loaded.catalog, selection, Content())
    with opened(loaded, read_only=True, with_internal=True) as engine:
        return choose(loaded.catalog, selection, read_content(engine, loaded.ddl, loaded.stack.name))


def relation_facts(relation: Relation) -> dict[str, Any]:
    """What `list` says of a relation."""
    return {
        "name": relation.key,
        "kind": relation.kind.value,
        "layer": relation.schema,
        "materialized": relation.config.materialized.value if relation.compiled else None,
        "tags": list(relation.config.tags),
        "reads": list(relation.after),
        "audits": len(relation.audits),
        "description": relation.description,
        "left_out": relation.absent,
    }


def show(request: Request, name: str, limit: int = PREVIEW_ROWS) -> Shown:
    """Everything about one relation, with its first rows if it is built.

    Raises:
        NothingSelected: there is no such relation.
    """
    loaded = load_quietly(request)
    chosen = loaded.catalog.graph.select([name])
    if len(chosen) != 1:
        raise PlanError(f'"{name}" names {len(chosen)} relations; show takes one', f"Matches: {', '.join(chosen[:8])}.")
    relation = loaded.catalog.relations[chosen[0]]
    if relation.is_internal:
        raise NothingSelected(f"{relation.key} is internal: it holds identifiers, and is there only for building")
    described = {column.name: column.description for column in relation.docs}
    columns = tuple((column, kind, described.get(column, "")) for column, kind in relation.columns)
    audits = tuple(f"{audit.spec.name} ({audit.spec.severity})" for audit in relation.audits)
    return Shown(relation_facts(relation), columns, audits, preview(loaded, relation, limit))


def lineage(request: Request, asked: str) -> dict[str, Any]:
    """What `MODEL` or `MODEL.COLUMN` is made from and what is made from it, as plain data.

    Raises:
        NothingSelected: there is no such relation or column.
    """
    from measure_cli.lineage import lineage_of

    return lineage_of(load_quietly(request).catalog, asked)


def preview(loaded: Loaded, relation: Relation, limit: int) -> Table | None:
    """The first rows of a relation, sorted, if it is built."""
    if not is_there(loaded.project):
        return None
    with opened(loaded, read_only=True) as engine:
        if (relation.place, relation.name) not in engine.relations():
            return None
        with session_of(engine) as session:
            name = loaded.ddl.name(relation.place, relation.name)
            return session.query(Statement(f"SELECT * FROM {name} ORDER BY ALL LIMIT {limit}"))


def status(request: Request) -> Status:
    """Last run, what is built, audits that did not pass, batches of incremental models."""
    loaded = load_quietly(request)
    path, tables = target_text(loaded.project), state_tables(loaded.ddl)
    if not is_there(loaded.project):
        return Status(path, None, None, None)
    with opened(loaded, read_only=True) as engine:
        existing = engine.relations()
        if (loaded.ddl.place(STATE_SCHEMA), "runs") not in existing:
            return Status(path, None, None, None)
        with session_of(engine) as session:
            run = tables.read_last_run(session, loaded.stack.name)
            audits = tables.read_last_audits(session, run["run_id"]) if run else None
            has_batches = (loaded.ddl.place(STATE_SCHEMA), "staged") in existing
            batches = tables.read_progress(session, loaded.stack.name) if has_batches else None
            built = tables.read_built(session, loaded.stack.name)
    shown = (without_internal(table, loaded) if table else None for table in (built, audits, batches))
    return Status(path, run, *shown)


def without_internal(table: Table, loaded: Loaded) -> Table:
    """A table whose first column is a relation, without those that are there only for building."""
    internal = {key for key, relation in loaded.catalog.relations.items() if relation.is_internal}
    return Table(table.columns, tuple(row for row in table.rows if row[0] not in internal))
