"""What a run does, decided before its first statement: steps and the plan, plain frozen data, standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from measure_cli.batches import BatchWriter
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.results import StepResult
from measure_cli.types import AuditStep, Load, Statement


@dataclass(frozen=True, slots=True)
class Step:
    """Builds one relation beside its published version, audits it, and says how to publish it.

    `create` fills the staged relation; `publish` swaps it in (run for all good steps in one transaction where the
    engine has such); `tidy` removes what the swap left over; `discard` removes the staged relation; `serves` are the
    tables a view shows, which are held back when the view fails; `batches` decides during the run what is stale in an
    incremental model.
    """

    key: str
    kind: RelationKind
    schema: str
    materialized: Materialization
    fingerprint: str
    after: tuple[str, ...]
    create: tuple[Statement | Load, ...]
    publish: tuple[Statement, ...]
    tidy: tuple[Statement, ...]
    discard: tuple[Statement, ...]
    count: Statement | None = None
    audits: tuple[AuditStep, ...] = ()
    serves: tuple[str, ...] = ()
    is_internal: bool = False
    batches: BatchWriter | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run does, decided before its first statement.

    `steps` stand in dependency order; `idle` are the selected relations that need no work, and why; `leftovers` drop
    what a killed run left staged; `schemas` make the places where relations stand.
    """

    stack: str
    steps: tuple[Step, ...]
    idle: tuple[StepResult, ...]
    leftovers: tuple[Statement, ...]
    schemas: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class BuiltRelation:
    """The ledger's last word on one relation of the target."""

    name: str
    fingerprint: str
    rows: int | None
