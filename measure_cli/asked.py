"""Listens to a refresh of an interval that was asked for, to say so when no model has anything there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measure_cli.batches import BatchPlan, overlap
from measure_cli.events import BatchesPlanned, Emit, Notice, PlanBuilt, RunEvent
from measure_cli.steps import Plan

if TYPE_CHECKING:
    from measure_cli.refresh import Wishes


class AskedInterval:
    """Passes on events; after the run `tell` adds what they did not say."""

    def __init__(self, wishes: Wishes, emit: Emit) -> None:
        self._wishes, self._emit = wishes, emit
        self._found = False

    def __call__(self, event: RunEvent) -> None:
        """Hear one event and pass it on."""
        if isinstance(event, PlanBuilt):
            self.look_for_whole(event.plan)
        if isinstance(event, BatchesPlanned):
            self.look(event.plan)
        self._emit(event)

    def look_for_whole(self, plan: Plan) -> None:
        """See whether an incremental model is built whole, the interval included."""
        self._found = self._found or any(step.batches is not None and step.batches.is_whole for step in plan.steps)

    def look(self, plan: BatchPlan) -> None:
        """See whether a plan builds anything in the interval."""
        forced = self._wishes.forced
        self._found = self._found or (forced is not None and any(overlap(forced, one.month) for one in plan.months))

    def tell(self) -> None:
        """Say so when nothing lies in the interval."""
        if self._wishes.forced is None or self._found:
            return
        bounds = (("--start", self._wishes.start), ("--end", self._wishes.end))
        asked = " ".join(f"{option} {day}" for option, day in bounds if day)
        self._emit(Notice(f"{asked}: no selected incremental model has data in that interval"))
