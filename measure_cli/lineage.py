"""Where a relation or a column comes from and where it goes: plain data, upstream and downstream. Pure.

Internal relations are looked through: what stands behind one shows as if it were read directly, and nothing tells that
it is there. A relation that stands in several places of a tree is spelled out in the first one only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from measure_cli.catalog import Catalog, Relation, key_of
from measure_cli.dialects.compiled import Origin
from measure_cli.errors import NothingSelected, did_you_mean
from measure_cli.kinds import RelationKind

Column = tuple[str, str]
"""Key of a relation and name of its column."""
Edges = Mapping[Any, Mapping[Any, bool]]
"""Of each node its neighbours, and whether the way to them is through pseudonymize()."""
Branch = dict[str, Any]
"""One node of a tree as JSON has it."""


def lineage_of(catalog: Catalog, asked: str) -> dict[str, Any]:
    """The lineage of `MODEL` or `MODEL.COLUMN` as plain data.

    `upstream` and `downstream` are lists of branches: `name`, `column` of a column's lineage, `pseudonymized` where the
    way leads through pseudonymize(), `branches`, and `repeated` when the branches are spelled out elsewhere. For a
    column, `deciding` lists the columns that only decide which rows its relation has.

    Raises:
        NothingSelected: there is no such relation or column.
    """
    visible = {key: relation for key, relation in catalog.relations.items() if not is_hidden(relation)}
    key, column = find(asked, visible)
    if column is None:
        up = {name: dict.fromkeys(relation.after, False) for name, relation in catalog.relations.items()}
        return described(key, None, up, catalog.relations)
    found = described((key, column), column, column_edges(catalog), catalog.relations)
    return {**found, "deciding": list(deciding(catalog, key))}


def is_hidden(relation: Relation) -> bool:
    """Whether nobody may learn that a relation is there. A source is no secret: the project itself names it."""
    return relation.kind is RelationKind.MODEL and relation.is_internal


def find(asked: str, visible: Mapping[str, Relation]) -> tuple[str, str | None]:
    """Key and column of what was asked for; the key of a source has a dot of its own."""
    if asked in visible:
        return asked, None
    key, _, column = asked.rpartition(".")
    if key not in visible:
        near = did_you_mean(asked if asked.count(".") == 0 else key, visible)
        raise NothingSelected(f'there is no relation "{key or asked}"', near)
    columns = [name for name, _ in visible[key].columns]
    if column not in columns:
        raise NothingSelected(f'{key} has no column "{column}"', did_you_mean(column, columns))
    return key, column


def column_edges(catalog: Catalog) -> dict[Column, dict[Column, bool]]:
    """Of every column those it is computed from, and whether only through pseudonymize()."""
    edges: dict[Column, dict[Column, bool]] = {}
    for key, relation in catalog.relations.items():
        origins = relation.compiled.origins if relation.compiled else [()] * len(relation.columns)
        for (column, _), computed_from in zip(relation.columns, origins, strict=True):
            edges[key, column] = merged((place_of(origin), origin.pseudonymized) for origin in computed_from)
    return edges


def place_of(origin: Origin) -> Column:
    """The column that an origin names, under the key of its relation."""
    return key_of(origin.relation), origin.column


def merged(ways: Iterable[tuple[Any, bool]]) -> dict[Any, bool]:
    """Neighbours of one node: pseudonymized only when every way to them is."""
    found: dict[Any, bool] = {}
    for node, pseudonymized in ways:
        found[node] = found.get(node, True) and pseudonymized
    return found


def deciding(catalog: Catalog, key: str) -> Iterator[str]:
    """The columns by which a relation chooses, joins and groups its rows; those of internal relations are left out."""
    compiled = catalog.relations[key].compiled
    for origin in compiled.deciding if compiled else ():
        relation, column = place_of(origin)
        if not is_hidden(catalog.relations[relation]):
            yield f"{relation}.{column}"


# -- trees ------------------------------------------------------------------------------------------------------------


def described(node: Any, column: str | None, up: Edges, relations: Mapping[str, Relation]) -> dict[str, Any]:
    """A node with what is above and below it."""

    def hidden(other: Any) -> bool:
        return is_hidden(relations[other if isinstance(other, str) else other[0]])

    head = {"name": node if column is None else node[0], "column": column}
    above, below = seen_through(up, hidden), seen_through(turned(up), hidden)
    return {**head, "upstream": branches(node, above, {node}), "downstream": branches(node, below, {node})}


def turned(edges: Edges) -> dict[Any, dict[Any, bool]]:
    """The edges in the other direction."""
    other: dict[Any, dict[Any, bool]] = {}
    for node, neighbours in edges.items():
        for neighbour, pseudonymized in neighbours.items():
            other.setdefault(neighbour, {})[node] = pseudonymized
    return other


def seen_through(edges: Edges, hidden: Callable[[Any], bool]) -> Callable[[Any], dict[Any, bool]]:
    """The visible neighbours of a node: behind a hidden one stand its own neighbours."""

    def neighbours(node: Any, pseudonymized: bool, passed: frozenset[Any]) -> Iterator[tuple[Any, bool]]:
        for other, by_this in edges.get(node, {}).items():
            if not hidden(other):
                yield other, pseudonymized or by_this
            elif other not in passed:
                yield from neighbours(other, pseudonymized or by_this, passed | {other})

    return lambda node: merged(neighbours(node, False, frozenset({node})))


def branches(node: Any, neighbours: Callable[[Any], dict[Any, bool]], told: set[Any]) -> list[Branch]:
    """The tree below a node; `told` are the nodes that are spelled out already."""
    found = []
    for other, pseudonymized in sorted(neighbours(node).items()):
        name, column = (other, None) if isinstance(other, str) else other
        branch: Branch = {"name": name} if column is None else {"name": name, "column": column}
        if pseudonymized:
            branch["pseudonymized"] = True
        if other in told and neighbours(other):
            branch["repeated"] = True
        else:
            told.add(other)
            branch["branches"] = branches(other, neighbours, told)
        found.append(branch)
    return found
