"""What may not leave the internal relations: raw identifiers, and views that would have to read them. Pure.

A source column marked `identifier: true` taints whatever is computed from it, column by column and model by model,
until it passes through pseudonymize(). A tainted column may stand in an internal relation only; ephemeral models are
no relations, so the taint goes on to whoever reads them. Any use in an expression taints, a count or a hash as well:
nobody has to prove that nothing can be told from the result. Filters, join conditions and group keys do not.
Hooks are not looked at: they are statements of the stack's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from measure_cli.catalog import Catalog, Relation, key_of
from measure_cli.dialects.compiled import CompiledSelect
from measure_cli.errors import PlanError
from measure_cli.kinds import Materialization, RelationKind
from measure_cli.types import INTERNAL_SCHEMA, UNREADABLE

Place = tuple[str, str]
"""A column: key of its relation and its name."""
Complaint = tuple[str, str]
"""What was found, and what to do."""
MOST_SHOWN = 5
PSEUDONYMIZE_IT = (
    "Write pseudonymize(...) around it, leave the column out, or keep the whole relation internal: "
    f"config(materialized='table', internal_only=true) in the folder {INTERNAL_SCHEMA}/."
)
NO_VIEW = "Make it a table: config(materialized='table')."


def check_privacy(catalog: Catalog) -> None:
    """Refuse a catalog that shows identifiers, or whose views could not be read.

    Raises:
        PlanError: names every offence, with the way from the identifier to where it shows.
    """
    relations = catalog.relations
    found = [
        *misplaced(relations.values()),
        *unreadable_views(relations),
        *leaks(catalog),
        *derived_registries(relations),
        *kept_failures(relations),
    ]
    if found:
        messages = [message for message, _ in found]
        more = [f"and {len(messages) - MOST_SHOWN} more"] if len(messages) > MOST_SHOWN else []
        hints = dict.fromkeys(hint for _, hint in found)
        raise PlanError("\n".join([*messages[:MOST_SHOWN], *more]), "\n".join(hints))


def misplaced(relations: Iterable[Relation]) -> Iterator[Complaint]:
    """Internal models stand in the internal schema, and nothing else does."""
    for relation in relations:
        if relation.kind is not RelationKind.MODEL:
            continue
        if relation.config.internal_only and relation.schema != INTERNAL_SCHEMA:
            yield (
                f"{shown(relation)} is internal_only, but the schema {relation.schema} is public",
                f"Move its file into the folder {INTERNAL_SCHEMA}/.",
            )
        if relation.schema == INTERNAL_SCHEMA and not relation.config.internal_only:
            yield (
                f"{shown(relation)} stands in the schema of internal relations, but is not internal_only",
                "Say config(internal_only=true), or move its file into another folder.",
            )


# -- views ------------------------------------------------------------------------------------------------------------


def unreadable_views(relations: Mapping[str, Relation]) -> Iterator[Complaint]:
    """Views are run by their readers, who have neither the internal relations nor the salt."""
    for relation in relations.values():
        if not relation.compiled or relation.config.materialized is not Materialization.VIEW:
            continue
        for path in read_by_view(relation, relations):
            last, way = relations[path[-1]], " -> ".join(path)
            if last.is_internal and len(path) > 1:
                yield (
                    f"{shown(relation)} is a view over the internal relation {last.key}: {way}; "
                    "internal relations are there only while models are built",
                    NO_VIEW,
                )
            elif last.compiled and last.compiled.secrets and (len(path) == 1 or is_ephemeral(last)):
                yield (
                    f"{shown(relation)} is a view that calls pseudonymize(){f': {way}' if len(path) > 1 else ''}; "
                    "a view is run by its readers, who do not have the salt",
                    NO_VIEW,
                )


def read_by_view(relation: Relation, relations: Mapping[str, Relation]) -> Iterator[tuple[str, ...]]:
    """Paths from a view to what its text holds or names: itself, ephemeral models inside of it, what they read."""
    pending: list[tuple[str, ...]] = [(relation.key,)]
    while pending:
        path = pending.pop()
        yield path
        here = relations[path[-1]]
        if here.compiled and (len(path) == 1 or is_ephemeral(here)):
            pending += [(*path, key_of(reference)) for reference in reversed(here.compiled.relations)]


def is_ephemeral(relation: Relation) -> bool:
    """Whether a model exists only inside of others."""
    return relation.kind is RelationKind.MODEL and relation.config.materialized is Materialization.EPHEMERAL


# -- identifiers ------------------------------------------------------------------------------------------------------


def leaks(catalog: Catalog) -> Iterator[Complaint]:
    """Tainted columns of public relations, each with a way to it; what only follows from another leak is not told."""
    before = tainted(catalog)
    for place in before:
        if shows(catalog.relations[place[0]]) and not any(
            shows(catalog.relations[key]) for key, _ in path_to(place, before)[:-1]
        ):
            relation = catalog.relations[place[0]]
            way = " -> ".join(f"{key}.{column}" for key, column in path_to(place, before))
            yield (
                f"{shown(relation)} is public, but its column {place[1]} carries an identifier: {way}",
                PSEUDONYMIZE_IT,
            )


def shows(relation: Relation) -> bool:
    """Whether a relation can be read by anybody."""
    return relation.kind is RelationKind.MODEL and not relation.is_internal and not is_ephemeral(relation)


def tainted(catalog: Catalog) -> dict[Place, Place | None]:
    """Every column that carries an identifier, with the column that it has it from; None for the identifiers."""
    before: dict[Place, Place | None] = {}
    for key in catalog.graph.order:
        relation = catalog.relations[key]
        if relation.kind is RelationKind.SOURCE:
            before |= {(key, column): None for column in identifiers(relation)}
        elif relation.compiled is not None:
            before |= {(key, column): place for column, place in taken_over(relation.compiled, before).items()}
    return before


def taken_over(compiled: CompiledSelect, before: Mapping[Place, Place | None]) -> dict[str, Place]:
    """The output columns that take over a taint, with one column that each has it from."""
    found: dict[str, Place] = {}
    for (column, _), origins in zip(compiled.columns, compiled.origins, strict=True):
        for origin in origins:
            place = (key_of(origin.relation), origin.column)
            if place in before and not origin.pseudonymized:
                found.setdefault(column, place)
    return found


def identifiers(source: Relation) -> Iterator[str]:
    """The columns of a source that hold identifiers; the text of those that cannot be read stands in `_unreadable`."""
    marked = [column for column in source.docs if column.identifier]
    yield from (column.name for column in marked)
    if any((column.data_type or "varchar").lower() != "varchar" for column in marked):
        yield UNREADABLE


def path_to(place: Place, before: Mapping[Place, Place | None]) -> list[Place]:
    """The way of an identifier to a column that carries it."""
    path = [place]
    while (earlier := before[path[0]]) is not None:
        path.insert(0, earlier)
    return path


def derived_registries(relations: Mapping[str, Relation]) -> Iterator[Complaint]:
    """Registries are public and may be made of the values of a source column."""
    for relation in relations.values():
        spec = relation.registry.spec if relation.registry else None
        for name, column in (*spec.distinct, *spec.excluding) if spec else ():
            source = relations.get(f"source.{name}")
            if source and column in identifiers(source):
                yield (
                    f"the registry {relation.key} is public, but derived from the identifier {source.key}.{column}",
                    "Derive it from another column.",
                )


def kept_failures(relations: Mapping[str, Relation]) -> Iterator[Complaint]:
    """Offending rows of an internal relation must not be written down where anybody reads them."""
    for relation in relations.values():
        for audit in relation.audits:
            if audit.spec.store_failures and reads_internal(audit.compiled, relations):
                yield (
                    f"{audit.spec.place}: the audit {audit.spec.name} on {relation.key} reads an internal relation, "
                    "so its offending rows cannot be kept",
                    "Leave store_failures out.",
                )


def reads_internal(compiled: CompiledSelect, relations: Mapping[str, Relation]) -> bool:
    """Whether a SELECT reads an internal relation, itself or through ephemeral models."""
    parents = [relations[key_of(reference)] for reference in compiled.relations]
    return any(
        parent.is_internal or (is_ephemeral(parent) and parent.compiled and reads_internal(parent.compiled, relations))
        for parent in parents
    )


def shown(relation: Relation) -> str:
    """A relation in messages."""
    return f"{relation.schema}.{relation.name}"
