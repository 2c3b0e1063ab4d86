"""Dependencies between relations: order, neighbours, selection. Pure.

Selection follows dbt: names and globs, `tag:x`, `layer:x`, `changed`, `+m` (ancestors), `m+` (descendants), `2+m` and
`m+2` (so many steps), `@m` (descendants and everything they need); arguments are united, commas intersect.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from measure_cli.errors import NothingSelected, PlanError, did_you_mean

TERM = re.compile(r"^(?P<at>@)?(?:(?P<up_steps>\d*)(?P<up>\+))?(?P<body>[^+@]+?)(?:(?P<down>\+)(?P<down_steps>\d*))?$")
METHODS = ("tag", "layer")


@dataclass(frozen=True, slots=True)
class Node:
    """What selection may ask of a relation."""

    name: str
    layer: str
    tags: tuple[str, ...]
    after: tuple[str, ...]


class Graph:
    """A directed acyclic graph of relations.

    Raises:
        PlanError: the relations refer to each other in a circle; the message shows it.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes: Mapping[str, Node] = {node.name: node for node in nodes}
        self.order: tuple[str, ...] = sort_topologically({name: node.after for name, node in self.nodes.items()})
        children: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name in self.order:
            for parent in self.nodes[name].after:
                children[parent].append(name)
        self._children = children

    def ancestors(self, names: Iterable[str], steps: int | None = None) -> set[str]:
        """All relations that the named ones need, not themselves unless they need each other."""
        return self._reach(names, lambda name: self.nodes[name].after, steps)

    def descendants(self, names: Iterable[str], steps: int | None = None) -> set[str]:
        """All relations that need the named ones."""
        return self._reach(names, lambda name: self._children[name], steps)

    def select(
        self, terms: Sequence[str], exclude: Sequence[str] = (), changed: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Names chosen by selection terms, in dependency order; every name when there are no terms.

        Raises:
            NothingSelected: a term, or the whole selection, matches nothing.
        """
        chosen = self.match(terms, changed) if terms else set(self.nodes)
        left = chosen - self.match(exclude, changed)
        if chosen and not left:
            raise NothingSelected(f"{' '.join(terms) or 'everything'} without {' '.join(exclude)} leaves nothing")
        return tuple(name for name in self.order if name in left)

    def match(self, terms: Sequence[str], changed: Collection[str] = ()) -> set[str]:
        """Names that at least one of the terms chooses; none without terms."""
        return set().union(*(self._term(term, changed) for term in terms))

    def _term(self, term: str, changed: Collection[str]) -> set[str]:
        sets = [self._simple_term(part.strip(), changed) for part in term.split(",")]
        both = set.intersection(*sets)
        if not both and "changed" not in term:
            raise NothingSelected(f'nothing matches all of "{term}"')
        return both

    def _simple_term(self, term: str, changed: Collection[str]) -> set[str]:
        found = TERM.match(term)
        if not found:
            raise PlanError(
                f'cannot read the selection "{term}"', "Write name, tag:x, layer:x, +name, name+, 2+name or @name."
            )
        chosen = self._match(found["body"], changed)
        result = set(chosen)
        if found["up"]:
            result |= self.ancestors(chosen, int(found["up_steps"]) if found["up_steps"] else None)
        if found["down"]:
            result |= self.descendants(chosen, int(found["down_steps"]) if found["down_steps"] else None)
        if found["at"]:
            below = chosen | self.descendants(chosen)
            result |= below | self.ancestors(below)
        return result

    def _match(self, body: str, changed: Collection[str]) -> set[str]:
        if body == "changed":
            return set(changed)
        method, colon, pattern = body.partition(":")
        if not colon:
            method, pattern = "name", body
        elif method not in METHODS:
            raise PlanError(f'unknown selection method "{method}:"', did_you_mean(method, METHODS))
        chosen = {
            name for name, node in self.nodes.items() if any(fnmatchcase(v, pattern) for v in values_of(node, method))
        }
        if not chosen:
            known = {value for node in self.nodes.values() for value in values_of(node, method)}
            hint = did_you_mean(pattern, known) or "measure list names all relations, with their layers and tags."
            raise NothingSelected(f'nothing matches "{body}"', hint)
        return chosen

    def _reach(self, names: Iterable[str], neighbours, steps: int | None) -> set[str]:  # type: ignore[no-untyped-def]
        reached: set[str] = set()
        edge = set(names)
        while edge and (steps is None or steps > 0):
            edge = {near for name in edge for near in neighbours(name)} - reached
            reached |= edge
            steps = None if steps is None else steps - 1
        return reached


def values_of(node: Node, method: str) -> tuple[str, ...]:
    """What a selection method compares its pattern with."""
    return {"name": (node.name,), "layer": (node.layer,), "tag": node.tags}[method]


def sort_topologically(after: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Names so that each stands after those it needs; ties in the given order.

    >>> sort_topologically({"b": ["a"], "a": []})
    ('a', 'b')
    """
    order: dict[str, None] = {}
    for name in after:
        path: dict[str, None] = {}  # what is being visited, from `name` down; a stack, because chains may be long
        visiting = [] if name in order else [(name, iter(after[name]))]
        while visiting:
            current, parents = visiting[-1]
            path[current] = None
            parent = next((parent for parent in parents if parent not in order), None)
            if parent is None:
                visiting.pop()
                path.pop(current)
                order[current] = None
            elif parent in path:
                raise circle([*path, parent])
            else:
                visiting.append((parent, iter(after[parent])))
    return tuple(order)


def circle(path: Sequence[str]) -> PlanError:
    """The error for a path that ends where it was before."""
    shown = " -> ".join(path[path.index(path[-1]) :])
    return PlanError(f"the models refer to each other in a circle: {shown}", "Remove one of these references.")
