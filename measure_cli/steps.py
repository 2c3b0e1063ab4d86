"""What a run does, decided before its first statement: steps and the plan, plain frozen data, standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from measure_cli.batches import BatchWriter, Days
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.results import StepResult
from measure_cli.types import AuditStep, Load, Statement


@dataclass(frozen=True, slots=True)
class Standing:
    """The published version of a relation, as far as a run may find that it need not be replaced, or not be audited.

    `stays`: it does if all that it reads comes out as it is published. `is_audited`: the same of its audits, of which
    `clean` found nothing at all. `content`: a hash of the staged and one of the published rows, none where these cannot
    be compared. `days` are those of the published rows, None where they are not on record. `show` lets the staged name
    show what is published, `hide` ends that; `is_read`: others read it.
    """

    rows: int | None
    stays: bool
    is_audited: bool
    content: tuple[Statement, ...]
    show: Statement
    hide: Statement
    days: Days | None = None
    clean: frozenset[str] = frozenset()
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Builds one relation beside its published version, audits it, and says how to publish it.

    `create` fills the staged relation; `publish` swaps it in (run for all good steps in one transaction where the
    engine has such); `tidy` removes what the swap left over; `discard` removes the staged relation; `serves` are the
    tables a view shows, which are held back when the view fails; `batches` decides during the run what is stale in an
    incremental model. `origin` is what the ledger says of what the relation was made from; `standing` is what stands
    of it already, None where nothing of that may stay.
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
    origin: str = ""
    standing: Standing | None = None


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
    """The ledger's last word on one relation of the target; `origin` is None where an earlier version wrote it."""

    name: str
    fingerprint: str
    rows: int | None
    origin: str | None = None
