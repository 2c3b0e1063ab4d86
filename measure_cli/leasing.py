"""A run's plan and its lease: first the plan, because a run without work needs no lease, then both together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from measure_cli.connecting import is_embedded, is_there, read_content
from measure_cli.events import Emit, Notice, PlanBuilt
from measure_cli.lease import Terms, claim_of, held_lease
from measure_cli.plan import Content, Selection, build_plan
from measure_cli.ports import Engine
from measure_cli.request import Request, opened
from measure_cli.results import RunResult
from measure_cli.steps import Plan
from measure_cli.types import STATE_SCHEMA

if TYPE_CHECKING:
    from measure_cli.loading import Loaded
    from measure_cli.refresh import Wishes


@contextlib.contextmanager
def planned(
    request: Request, loaded: Loaded, selection: Selection, wishes: Wishes | None, run: RunResult
) -> Iterator[tuple[Plan, Engine]]:
    """The plan of a run and the target, open for writing and, if there is work, leased.

    Raises:
        TargetBusy: another run holds the target.
    """

    def plan_for(content: Content) -> Plan:
        return build_plan(loaded.catalog, selection, content, loaded.source_select, loaded.ddl, wishes)

    if not is_there(loaded.project):  # whatever is wrong with the plan shows before a file is made
        plan_for(Content())
    with opened(loaded, read_only=False, with_internal=True) as engine:
        content = read_content(engine, loaded.ddl, loaded.stack.name)
        tell_orphans(request, loaded, content)
        plan = plan_for(content)
        if not plan.steps and not plan.leftovers:
            request.emit(PlanBuilt(plan))
            yield plan, engine
            return
        with leased(loaded, engine, run, request.emit) as fenced:
            found = read_content(engine, loaded.ddl, loaded.stack.name)
            if not is_same(loaded, content, found):  # another run was at work until just now
                plan = plan_for(found)
            request.emit(PlanBuilt(plan))
            yield plan, fenced


@contextlib.contextmanager
def leased(loaded: Loaded, engine: Engine, run: RunResult, emit: Emit) -> Iterator[Engine]:
    """The target, for as long as a run holds its lease.

    Raises:
        TargetBusy: another run holds it.
    """
    terms = Terms(is_embedded(loaded.project))
    with held_lease(engine, loaded.ddl.lease(), claim_of(run, terms), terms, emit) as fenced:
        yield fenced


def is_same(loaded: Loaded, before: Content, after: Content) -> bool:
    """Whether a plan for one content is right for another; state tables matter to none."""
    place = loaded.ddl.place(STATE_SCHEMA)
    known, found = (
        replace(content, existing={key: kind for key, kind in content.existing.items() if key[0] != place})
        for content in (before, after)
    )
    return known == found


def tell_orphans(request: Request, loaded: Loaded, content: Content) -> None:
    """Name what was built once and is no longer part of the stack: it stays in the target as it is."""
    if orphans := sorted(content.ledger.keys() - loaded.catalog.relations.keys()):
        request.emit(Notice(f"no longer part of the stack, but still in the target: {', '.join(orphans)}"))
