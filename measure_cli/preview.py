"""`measure refresh --dry-run`: what a refresh would do, from a target that is only read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from measure_cli.asked import AskedInterval
from measure_cli.batches import BatchPlan, DayQueries, Days, sum_of
from measure_cli.batching import ask
from measure_cli.connecting import engine_kind, is_there, open_engine, read_content, session_of
from measure_cli.errors import EngineError
from measure_cli.forecast import (
    InlinedNames,
    as_data,
    forecast,
    planned_days,
    read_as_published,
    steps_by_name,
)
from measure_cli.kinds import EngineKind
from measure_cli.plan import Content, Selection, build_plan
from measure_cli.ports import Engine, Session
from measure_cli.request import Request, load_and_tell, opened, signals_raise
from measure_cli.steps import Step

if TYPE_CHECKING:
    from measure_cli.batch_steps import BatchSteps
    from measure_cli.catalog import Relation
    from measure_cli.loading import Loaded
    from measure_cli.refresh import Wishes


def dry_run(request: Request, wishes: Wishes, full: bool) -> list[dict[str, Any]]:
    """Every relation that a refresh would build, with the batches of incremental models. Nothing is touched.

    Raises:
        ProjectError, PlanError: what the refresh itself would be refused for.
    """
    with signals_raise():
        loaded = load_and_tell(request)
        selection = Selection(request.select, request.exclude, full)
        with to_look_at(loaded) as engine:
            content = read_content(engine, loaded.ddl, loaded.stack.name) if engine else Content()
            names_of = partial(InlinedNames, source_select=loaded.source_select)
            plan = build_plan(loaded.catalog, selection, content, loaded.source_select, loaded.ddl, wishes, names_of)
            known: dict[str, BatchPlan] = {}
            days: dict[str, Days] = {}
            asked = AskedInterval(wishes, request.emit)
            asked.look_for_whole(plan)
            found = []
            writers = steps_by_name(plan)
            for step in plan.steps:
                writer = writers.get(step.key)
                is_whole = writer is None or writer.is_whole
                if writer is not None and not is_whole and (made := looked_up(writer, engine, content, known, days)):
                    known[step.key] = made
                    asked.look(made)
                facts = as_data(step.key, is_whole, known.get(step.key))
                relation = loaded.catalog.relations[step.key]
                found.append({**facts, "reason": why_whole(relation, step, content, full)} if is_whole else facts)
            asked.tell()
            return found


def why_whole(relation: Relation, step: Step, content: Content, full: bool) -> str:
    """Why a relation would be built whole."""
    if content.kind_of(relation) is None:
        return "never built"
    if not content.is_current(relation, step.fingerprint):
        may_stay = step.standing is not None and step.standing.stays
        return "if what it is made from comes out different" if may_stay else "changed, or something it is made from"
    if full:
        return "--full"
    return "asked for" if relation.batched else "reads what is asked for"


@contextlib.contextmanager
def to_look_at(loaded: Loaded) -> Iterator[Engine | None]:
    """The target, read-only. In the place of a file that is not there an empty one, elsewhere; None for a server."""
    if is_there(loaded.project):
        with opened(loaded, read_only=True, with_internal=True) as engine:
            yield engine
    elif engine_kind(loaded.project) is not EngineKind.DUCKDB:
        yield None
    else:
        with TemporaryDirectory() as folder:
            target = loaded.project.target
            settings = {**target.settings, "path": str(Path(folder) / "nothing.duckdb")}
            project = replace(loaded.project, target=replace(target, settings=settings))
            engine = open_engine(project, False, loaded.secrets)
            try:
                yield engine
            finally:
                engine.close()


def looked_up(
    writer: BatchSteps, engine: Engine | None, content: Content, plans: Mapping[str, BatchPlan], days: dict[str, Days]
) -> BatchPlan | None:
    """The plan of one incremental model; None where its inputs cannot be known before they are built."""
    if engine is None:
        return None
    with session_of(engine) as session:
        for parent, queries in writer.day_queries().items():
            if parent not in days:
                found = days_in(session, queries, parent, writer, plans, content)
                if found is None:
                    return None
                days[parent] = found
    return forecast(writer, {parent: days[parent] for parent in writer.day_queries()}, plans)


def days_in(
    session: Session,
    queries: DayQueries,
    parent: str,
    writer: BatchSteps,
    plans: Mapping[str, BatchPlan],
    content: Content,
) -> Days | None:
    """The days of an input as far as they can be read; those that would be built first as they are planned."""
    names = writer.names
    assert isinstance(names, InlinedNames)
    if all(content.kind_of(names.relations[key]) for key in read_as_published(parent, names)):
        try:
            return sum_of(ask(session, queries).values())
        except EngineError:  # what is published has other columns than what would be built
            pass
    return planned_days(parent, names, plans)
