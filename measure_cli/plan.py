"""Catalog + selection + what the target holds -> Plan. Pure: no disk, clock, network or driver.

A relation is rebuilt when its fingerprint (its own definition and the fingerprints of what it reads) differs from the
one it was published with, or when it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from measure_cli.audit_steps import Versions, audit_parts, audit_step
from measure_cli.batch_steps import RecordedBatches, batch_steps, has_days, stage_name
from measure_cli.catalog import Catalog, Relation, digest
from measure_cli.ddl.base import Ddl
from measure_cli.errors import NothingSelected, PlanError
from measure_cli.kinds import RelationKind
from measure_cli.materialize import Names, hooks, run_parents, step_of, tables_served
from measure_cli.privacy import is_ephemeral
from measure_cli.refresh import Wishes
from measure_cli.results import StepResult, StepStatus
from measure_cli.standing import Ground, Origins, marked, standing_of
from measure_cli.steps import BuiltRelation, Plan, Step
from measure_cli.types import BATCHES_SUFFIX, STAGED_SUFFIX, AuditStep, Statement


@dataclass(frozen=True, slots=True)
class Selection:
    """Which relations a command is about; `full` also rebuilds what is up to date."""

    terms: Sequence[str] = ()
    exclude: Sequence[str] = ()
    full: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What a target holds: the ledger by key, and what exists as (schema, name) -> "table" or "view"."""

    ledger: Mapping[str, BuiltRelation] = field(default_factory=dict)
    existing: Mapping[tuple[str, str], str] = field(default_factory=dict)
    batches: RecordedBatches = field(default_factory=RecordedBatches)

    def kind_of(self, relation: Relation) -> str | None:
        """What stands under a relation's name."""
        return self.existing.get((relation.place, relation.name))

    def is_current(self, relation: Relation, fingerprint: str) -> bool:
        """Whether the published version was made from exactly this."""
        built = self.ledger.get(relation.key)
        return built is not None and built.fingerprint == fingerprint and self.kind_of(relation) is not None


def is_buildable(relation: Relation) -> bool:
    """Whether a relation is built at all: it is neither left out nor ephemeral."""
    return relation.absent is None and not is_ephemeral(relation)


def fingerprints(catalog: Catalog, target: Content, rebuilt: Collection[str]) -> dict[str, str]:
    """Fingerprint of every relation, in which each parent counts as it will be read.

    A parent outside of `rebuilt` counts with the fingerprint it was published with. What only the audits of a relation
    look at counts with what it is meant to be: when it changes, the audits are due again.
    """
    result: dict[str, str] = {}
    meant = meant_fingerprints(catalog)
    for key in catalog.graph.order:
        relation = catalog.relations[key]
        parents = []
        for parent in relation.after:
            known = target.ledger.get(parent)
            own = known is None or parent in rebuilt or is_ephemeral(catalog.relations[parent])
            parents.append(result[parent] if own or known is None else known.fingerprint)
        compared = sorted((other, meant[other]) for audit in relation.audits for other in audit.reads if other != key)
        result[key] = digest(relation.definition, sorted(zip(relation.after, parents, strict=True)), compared)
    return result


def meant_fingerprints(catalog: Catalog) -> dict[str, str]:
    """What each relation is made from, whatever the target holds and audits compare."""
    meant: dict[str, str] = {}
    for key in catalog.graph.order:
        relation = catalog.relations[key]
        meant[key] = digest(relation.definition, [meant[parent] for parent in relation.after])
    return meant


def changed_relations(catalog: Catalog, target: Content) -> set[str]:
    """Relations that a full build would rebuild."""
    current = fingerprints(catalog, target, set(catalog.relations))
    return {
        key
        for key, relation in catalog.relations.items()
        if is_buildable(relation) and not target.is_current(relation, current[key])
    }


def select_relations(catalog: Catalog, selection: Selection, target: Content) -> tuple[str, ...]:
    """Chosen relations, with the sources and registries that the chosen models read, in dependency order.

    Raises:
        NothingSelected: nothing matches, or all that matches is left out.
    """
    chosen = set(choose(catalog, selection, target))
    reasons = [catalog.relations[key].absent or "it exists only inside of what reads it" for key in chosen]
    if selection.terms and chosen and not any(is_buildable(catalog.relations[key]) for key in chosen):
        raise NothingSelected(f"nothing of {' '.join(selection.terms)!r} can be built: {reasons[0]}")
    inputs = {
        parent
        for key in chosen
        for parent in run_parents(catalog.relations[key], catalog.relations)
        if catalog.relations[parent].kind is not RelationKind.MODEL
    } - catalog.graph.match(selection.exclude, chosen)
    return tuple(key for key in catalog.graph.order if key in chosen | inputs)


def choose(catalog: Catalog, selection: Selection, target: Content) -> tuple[str, ...]:
    """Names that a selection matches, in dependency order.

    Raises:
        NothingSelected: nothing matches.
    """
    changed = changed_relations(catalog, target) if asks_for_changes(selection) else set()
    return catalog.graph.select(selection.terms, selection.exclude, changed)


def asks_for_changes(selection: Selection) -> bool:
    """Whether a selection depends on what the target holds."""
    return any("changed" in term for term in (*selection.terms, *selection.exclude))


def build_plan(
    catalog: Catalog,
    selection: Selection,
    target: Content,
    source_select: Callable[[Relation], str],
    ddl: Ddl,
    wishes: Wishes | None = None,
    names_of: Callable[[Mapping[str, Relation], frozenset[str], Ddl], Names] = Names,
) -> Plan:
    """What `build` does: the stale ones of the selected relations, in dependency order.

    With `wishes` incremental models are refreshed by batches. `names_of` says how relations are named in the run.

    Raises:
        PlanError: a selected model reads a relation that neither is selected nor stands in the target.
        NothingSelected: nothing matches.
    """
    relations = catalog.relations
    chosen = select_relations(catalog, selection, target)
    candidates = [key for key in chosen if is_buildable(relations[key])]
    current = fingerprints(catalog, target, set(candidates))
    forced = asked_for(catalog, candidates) if wishes and wishes.forced else ()
    stale = [
        key
        for key in candidates
        if selection.full or key in forced or not target.is_current(relations[key], current[key])
    ]
    names = names_of(relations, frozenset(stale), ddl)
    check_parents(stale, names, target)
    versions = {**{key: built.fingerprint for key, built in target.ledger.items()}, **{k: current[k] for k in stale}}
    shown, steps = Versions(relations, versions, current, names.staged), []
    wanted = frozenset(stale if selection.full else forced)
    ground = ground_of(target, names, versions, wanted)
    for key in stale:
        relation = relations[key]
        select = source_select(relation) if relation.kind is RelationKind.SOURCE else None
        step = step_of(relation, names, current[key], target.kind_of(relation), select)
        serves = tables_served(relation, names) if target.kind_of(relation) == "view" else ()
        by_batches = wishes and relation.batched and has_days(relation, relations)
        audits = audits_of(relation, names, target, shown if by_batches else None)
        step = replace(step, serves=serves, audits=audits)
        if relation.batched:
            step = in_batches(step, relation, names, versions, target, wishes, selection.full, source_select)
        origin = str(ground.after.of(relation))
        steps.append(replace(step, origin=origin, standing=standing_of(step, relation, ground)))
    schemas = tuple(ddl.create_schema(place) for place in dict.fromkeys(step.schema for step in steps))
    left = leftovers(catalog, target, ddl)
    return Plan(catalog.stack, marked(steps), tuple(idle(chosen, names, target)), left, schemas)


def ground_of(target: Content, names: Names, versions: Mapping[str, str], wanted: frozenset[str]) -> Ground:
    """What is known before a run that publishes relations under these fingerprints."""
    published = {key: built.fingerprint for key, built in target.ledger.items()}
    return Ground(
        names=names,
        ledger=target.ledger,
        kind_of=target.kind_of,
        before=Origins(names.relations, published),
        after=Origins(names.relations, versions),
        wanted=wanted,
        record=target.batches,
    )


def in_batches(
    step: Step,
    relation: Relation,
    names: Names,
    versions: Mapping[str, str],
    target: Content,
    wishes: Wishes | None,
    full: bool,
    source_select: Callable[[Relation], str],
) -> Step:
    """The step of an incremental model: built whole, or by batches when there are wishes."""
    has_stage = (relation.place, relation.name + BATCHES_SUFFIX) in target.existing
    built = target.ledger.get(relation.key)
    writer = batch_steps(
        relation,
        names,
        versions,
        target.batches,
        source_select=source_select,
        existing=target.kind_of(relation),
        published=built.fingerprint if built else None,
        has_stage=has_stage,
        wishes=wishes,
        full=full,
    )
    left = (names.ddl.drop(stage_name(relation, names), "table"),)
    if writer.is_whole:
        return replace(step, batches=writer, publish=(*step.publish, *left))
    before = hooks(relation, relation.config.pre_hook, names.published_name(step.key), names)
    view = names.ddl.drop(names.staged_name(step.key), "view")
    return replace(step, batches=writer, create=tuple(map(Statement, before)), publish=(), tidy=(), discard=(view,))


def asked_for(catalog: Catalog, candidates: Sequence[str]) -> set[str]:
    """The incremental models among the candidates, and what depends on them."""
    incremental = {key for key in candidates if catalog.relations[key].batched}
    return (incremental | catalog.graph.descendants(incremental)) & set(candidates)


def leftovers(catalog: Catalog, target: Content, ddl: Ddl) -> tuple[Statement, ...]:
    """Statements that drop what a killed run left, in all schemas of the stack; batches that wait are no leftovers."""
    places = {relation.place for relation in catalog.relations.values()}
    stages = {(one.place, one.name + BATCHES_SUFFIX) for one in catalog.relations.values() if one.batched}
    abandoned = {pair for pair in target.existing if pair[1].endswith(BATCHES_SUFFIX)} - stages
    known = {place: [one.name for one in catalog.relations.values() if one.place == place] for place in places}
    abandoned |= {pair for pair in target.existing if ddl.batches.is_unfinished(*pair, known.get(pair[0], ()))}
    return tuple(
        ddl.drop(ddl.name(place, name), kind)
        for (place, name), kind in sorted(target.existing.items())
        if place in places and (name.endswith(STAGED_SUFFIX) or (place, name) in abandoned)
    )


def idle(chosen: Sequence[str], names: Names, target: Content) -> list[StepResult]:
    """Results of the selected relations that need no work: up to date, or left out."""
    results = []
    for key in chosen:
        relation = names.relations[key]
        if relation.absent:
            results.append(StepResult(key, relation.kind, StepStatus.ABSENT, reason=relation.absent))
        elif key not in names.staged and not is_ephemeral(relation):
            results.append(StepResult(key, relation.kind, StepStatus.UNCHANGED, target.ledger[key].rows))
    return results


def check_parents(stale: Sequence[str], names: Names, target: Content) -> None:
    """Everything that is read is built in this run or stands in the target."""
    for key in stale:
        for parent in run_parents(names.relations[key], names.relations):
            relation = names.relations[parent]
            if parent not in names.staged and not relation.absent and target.kind_of(relation) is None:
                raise PlanError(f"{key} reads {parent}, which is not built yet", f"Build both: measure build +{key}")


def audits_of(relation: Relation, names: Names, target: Content, versions: Versions | None) -> tuple[AuditStep, ...]:
    """The audits of a relation, less those that look at one which neither is built in this run nor exists.

    With `versions`, those of a relation that is built by batches may look at parts of it.
    """

    def can_read(key: str) -> bool:
        return key in names.staged or target.kind_of(names.relations[key]) is not None

    clean, found = target.batches.clean.get(relation.key, {}), []
    for audit in relation.audits:
        step = audit_step(relation.key, audit, names, names.in_run)
        if all(map(can_read, step.reads)):
            parts = audit_parts(relation, audit, names, versions, clean) if versions else None
            found.append(replace(step, parts=parts))
    return tuple(found)


def audit_plan(catalog: Catalog, selection: Selection, target: Content, ddl: Ddl) -> tuple[AuditStep, ...]:
    """Every audit of the selected models, over the published relations.

    Raises:
        PlanError: an audited model is not built.
    """
    names = Names(catalog.relations, frozenset(), ddl)
    audits = []
    for key in choose(catalog, selection, target):
        relation = catalog.relations[key]
        if relation.absent or not relation.audits:
            continue
        if target.kind_of(relation) is None:
            raise PlanError(f"{key} is not built yet", f"Build it: measure build +{key}")
        audits += [audit_step(key, audit, names, names.published) for audit in relation.audits]
    return tuple(audits)
