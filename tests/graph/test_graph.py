"""Order and neighbours of random graphs against a brute-force closure; circles."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure_cli.errors import PlanError
from measure_cli.graph import Graph, Node, sort_topologically

Edges = dict[str, tuple[str, ...]]
patient = settings(deadline=None, max_examples=60)  # a busy machine is no failure


@st.composite
def dags(draw: st.DrawFn) -> Edges:
    """Name -> names it needs. Edges run from later to earlier in a hidden order; the graph is given shuffled."""
    names = draw(st.lists(st.from_regex(r"[a-z]{1,3}[0-9]?", fullmatch=True), unique=True, min_size=1, max_size=12))
    edges: Edges = {}
    for place, name in enumerate(names):
        parents = draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        edges[name] = tuple(parents)
    order = draw(st.permutations(names))
    return {name: edges[name] for name in order}


def graph_of(edges: Edges) -> Graph:
    return Graph(Node(name, "layer", (), after) for name, after in edges.items())


def closure(edges: Edges) -> dict[str, set[str]]:
    """All ancestors of each name: pairs are added until none is missing."""
    reach = {(name, parent) for name, parents in edges.items() for parent in parents}
    while True:
        more = {(low, high) for low, middle in reach for also, high in reach if middle == also} - reach
        if not more:
            return {name: {high for low, high in reach if low == name} for name in edges}
        reach |= more


def within(edges: Edges, name: str, steps: int) -> set[str]:
    """Ancestors of a name at most so many steps away: every path is walked."""
    if steps == 0:
        return set()
    return {found for parent in edges[name] for found in {parent} | within(edges, parent, steps - 1)}


@patient
@given(edges=dags())
def test_the_order_holds_every_name_once_after_what_it_needs(edges: Edges) -> None:
    order = graph_of(edges).order
    assert sorted(order) == sorted(edges)
    place = {name: index for index, name in enumerate(order)}
    assert all(place[parent] < place[name] for name, parents in edges.items() for parent in parents)


@patient
@given(edges=dags())
def test_the_order_is_the_same_every_time(edges: Edges) -> None:
    assert sort_topologically(edges) == sort_topologically(dict(edges))


@patient
@given(edges=dags(), data=st.data())
def test_ancestors_and_descendants_are_the_closure(edges: Edges, data: st.DataObject) -> None:
    graph, above = graph_of(edges), closure(edges)
    names = data.draw(st.lists(st.sampled_from(sorted(edges)), unique=True, min_size=1))
    assert graph.ancestors(names) == set().union(*(above[name] for name in names))
    below = {name for name in edges if above[name] & set(names)}
    assert graph.descendants(names) == below


@patient
@given(edges=dags(), steps=st.integers(0, 4), data=st.data())
def test_neighbours_within_a_number_of_steps(edges: Edges, steps: int, data: st.DataObject) -> None:
    graph, name = graph_of(edges), data.draw(st.sampled_from(sorted(edges)))
    assert graph.ancestors([name], steps) == within(edges, name, steps)
    assert graph.descendants([name], steps) == {other for other in edges if name in within(edges, other, steps)}


@patient
@given(edges=dags(), data=st.data())
def test_a_selection_is_the_closure_in_order(edges: Edges, data: st.DataObject) -> None:
    graph, above = graph_of(edges), closure(edges)
    name = data.draw(st.sampled_from(sorted(edges)))
    below = {other for other in edges if name in above[other]} | {name}
    expected = {
        name: {name},
        f"+{name}": above[name] | {name},
        f"{name}+": below,
        f"+{name}+": above[name] | below,
        f"@{name}": below.union(*(above[other] for other in below)),
    }
    for term, names in expected.items():
        chosen = graph.select([term])
        assert set(chosen) == names
        assert list(chosen) == [other for other in graph.order if other in names]
        rest = set(edges) - names
        if rest:
            assert set(graph.select([], [term])) == rest


@patient
@given(edges=dags(), data=st.data())
def test_a_circle_is_found_and_shown(edges: Edges, data: st.DataObject) -> None:
    above = closure(edges)
    low = data.draw(st.sampled_from(sorted(edges)))
    high = data.draw(st.sampled_from(sorted(above[low] | {low})))
    edges = {**edges, high: (*edges[high], low)}
    with pytest.raises(PlanError) as caught:
        graph_of(edges)
    circle = caught.value.message.rpartition(": ")[2].split(" -> ")
    assert circle[0] == circle[-1]
    assert len(circle) > 1
    assert all(parent in edges[name] for name, parent in itertools.pairwise(circle))


def test_long_chains() -> None:
    length = 3_000
    edges: Edges = {f"m{n}": (f"m{n - 1}",) if n else () for n in reversed(range(length))}
    graph = graph_of(edges)
    assert graph.order == tuple(f"m{n}" for n in range(length))
    assert len(graph.select([f"+m{length - 1}"])) == length


def test_a_model_that_reads_itself_is_a_circle() -> None:
    with pytest.raises(PlanError, match="a -> a"):
        graph_of({"a": ("a",)})
