"""Catalog + selection + what the target holds -> Plan. Pure: no disk, clock, network or driver.

A relation is rebuilt when its fingerprint (its own definition and the fingerprints of what it reads) differs from the
one it
was published with, or when it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from measure_cli.catalog import Catalog, Relation, digest
from measure_cli.errors import NothingSelected, PlanError
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.materialize import Names, audit_step, run_parents, step_of, tables_served
from measure_cli.results import StepResult, StepStatus
from measure_cli.types import AuditStep, BuiltRelation, Plan, Step

Existing = Mapping[tuple[str, str], str]


def fingerprints(
    catalog: Catalog, ledger: Mapping[str, BuiltRelation], rebuilt: Collection[str] | None
) -> dict[str, str]:
    """Fingerprint of every relation, in which each parent counts as it will be read.

    A parent outside of `rebuilt` counts with the fingerprint it was published with; None means that all are rebuilt.
    """
    result: dict[str, str] = {}
    for key in catalog.graph.order:
        relation = catalog.relations[key]
        parents = []
        for parent in relation.after:
            inside = rebuilt is None or parent in rebuilt or is_ephemeral(catalog.relations[parent])
            known = ledger.get(parent)
            parents.append(result[parent] if inside or known is None else known.fingerprint)
        result[key] = digest(relation.definition, sorted(zip(relation.after, parents, strict=True)))
    return result


def is_ephemeral(relation: Relation) -> bool:
    """Whether a relation exists only inside of others."""
    return relation.kind is RelationKind.MODEL and relation.config.materialized is Materialization.EPHEMERAL


def changed_relations(catalog: Catalog, ledger: Mapping[str, BuiltRelation], existing: Existing) -> set[str]:
    """Relations that a full build would rebuild."""
    current = fingerprints(catalog, ledger, None)
    return {key for key in catalog.graph.order if is_stale(catalog.relations[key], current[key], ledger, existing)}


def is_stale(relation: Relation, fingerprint: str, ledger: Mapping[str, BuiltRelation], existing: Existing) -> bool:
    """Whether the published version is missing or was made from something else."""
    if relation.absent or is_ephemeral(relation):
        return False
    built = ledger.get(relation.key)
    return built is None or built.fingerprint != fingerprint or (relation.schema, relation.name) not in existing


def select_relations(
    catalog: Catalog,
    terms: Sequence[str],
    exclude: Sequence[str],
    ledger: Mapping[str, BuiltRelation],
    existing: Existing,
) -> tuple[str, ...]:
    """Chosen relations and the sources and registries that the chosen models read, in dependency order."""
    changed = (
        changed_relations(catalog, ledger, existing) if any("changed" in term for term in (*terms, *exclude)) else set()
    )
    chosen = set(catalog.graph.select(terms, exclude, changed))
    names = Names(catalog.relations, frozenset())
    for key in tuple(chosen):
        for parent in run_parents(catalog.relations[key], names):
            if catalog.relations[parent].kind is not RelationKind.MODEL:
                chosen.add(parent)
    if terms and chosen and all(catalog.relations[key].absent for key in chosen):
        reason = next(catalog.relations[key].absent for key in chosen)
        raise NothingSelected(f"nothing of {' '.join(terms)!r} can be built: {reason}")
    return tuple(key for key in catalog.graph.order if key in chosen)


def build_plan(
    catalog: Catalog,
    terms: Sequence[str],
    exclude: Sequence[str],
    ledger: Mapping[str, BuiltRelation],
    existing: Existing,
    source_select: Callable[[Relation], str],
    full: bool = False,
) -> Plan:
    """What `build` does: the stale ones of the selected relations, in dependency order.

    Raises:
        PlanError: a selected model reads a relation that neither is selected nor stands in the target.
        NothingSelected: nothing matches.
    """
    chosen = select_relations(catalog, terms, exclude, ledger, existing)
    relations = catalog.relations
    candidates = [key for key in chosen if not relations[key].absent and not is_ephemeral(relations[key])]
    stale, current = stale_of(catalog, candidates, ledger, existing, full)
    names = Names(relations, frozenset(stale))
    check_parents(stale, names, existing)
    steps = [
        step_of(
            relations[key],
            names,
            current[key],
            existing.get((relations[key].schema, relations[key].name)),
            tables_served(key, relations, names.staged)
            if (relations[key].schema, relations[key].name) in existing
            else (),
            source_select(relations[key]) if relations[key].kind is RelationKind.SOURCE else None,
        )
        for key in stale
    ]
    return Plan(
        stack=catalog.stack,
        steps=tuple(readable_audits(step, names, existing) for step in steps),
        idle=(
            *(
                StepResult(key, relations[key].kind, StepStatus.UNCHANGED, ledger[key].rows)
                for key in candidates
                if key not in names.staged
            ),
            *(
                StepResult(key, relations[key].kind, StepStatus.ABSENT, reason=relations[key].absent)
                for key in chosen
                if relations[key].absent
            ),
        ),
        schemas=tuple(dict.fromkeys(step.schema for step in steps)),
    )


def stale_of(
    catalog: Catalog, candidates: Sequence[str], ledger: Mapping[str, BuiltRelation], existing: Existing, full: bool
) -> tuple[list[str], dict[str, str]]:
    """The relations to rebuild, in order, and the fingerprints they will have."""
    current = fingerprints(catalog, ledger, set(candidates))
    stale = [key for key in candidates if full or is_stale(catalog.relations[key], current[key], ledger, existing)]
    return stale, current


def check_parents(stale: Sequence[str], names: Names, existing: Existing) -> None:
    """Everything that is read is built in this run or stands in the target."""
    for key in stale:
        for parent in run_parents(names.relations[key], names):
            relation = names.relations[parent]
            if parent not in names.staged and (relation.schema, relation.name) not in existing and not relation.absent:
                raise PlanError(f"{key} reads {parent}, which is not built yet", f"Build both: measure build +{key}")


def readable_audits(step: Step, names: Names, existing: Existing) -> Step:
    """The step without the audits that look at a relation which neither is built in this run nor exists."""
    from dataclasses import replace

    def can_read(audit: AuditStep) -> bool:
        return all(
            key in names.staged or is_ephemeral(relation) or (relation.schema, relation.name) in existing
            for key in audit.reads
            for relation in (names.relations[key],)
        )

    return replace(step, audits=tuple(audit for audit in step.audits if can_read(audit)))


def audit_plan(
    catalog: Catalog, terms: Sequence[str], exclude: Sequence[str], existing: Existing
) -> tuple[AuditStep, ...]:
    """Every audit of the selected models, over the published relations.

    Raises:
        PlanError: an audited model is not built.
    """
    names = Names(catalog.relations, frozenset())
    audits = []
    for key in catalog.graph.select(terms, exclude):
        relation = catalog.relations[key]
        if relation.audits and not relation.absent:
            if (relation.schema, relation.name) not in existing:
                raise PlanError(f"{key} is not built yet", f"Build it: measure build +{key}")
            audits += [audit_step(key, audit, names, names.published) for audit in relation.audits]
    return tuple(audits)
