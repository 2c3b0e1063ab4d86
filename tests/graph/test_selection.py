"""The selection grammar, term by term."""

from __future__ import annotations

import re

import pytest

from measure_cli.errors import NothingSelected, PlanError
from measure_cli.graph import Graph, Node

#   source.events ── stg_events ──┬── int_a ──┬── fct_one
#   source.costs ─── stg_costs ───┼── int_b ──┴── fct_two ── top
#   names (registry) ─────────────┘
GRAPH = Graph(
    [
        Node("source.events", "sources", (), ()),
        Node("source.costs", "sources", (), ()),
        Node("names", "registries", (), ()),
        Node("stg_events", "staging", ("clean",), ("source.events",)),
        Node("stg_costs", "staging", ("clean", "money"), ("source.costs",)),
        Node("int_a", "intermediate", (), ("stg_events", "names")),
        Node("int_b", "intermediate", ("money",), ("stg_events", "stg_costs")),
        Node("fct_one", "marts", ("daily",), ("int_a",)),
        Node("fct_two", "marts", ("daily", "money"), ("int_a", "int_b")),
        Node("top", "marts", (), ("fct_two",)),
    ]
)
TABLE = [
    # what is written                what is chosen
    ("", "source.events source.costs names stg_events stg_costs int_a int_b fct_one fct_two top"),
    ("int_a", "int_a"),
    ("source.events", "source.events"),
    ("names", "names"),
    ("int_a fct_one", "int_a fct_one"),
    ("int_a int_a", "int_a"),
    ("fct_*", "fct_one fct_two"),
    ("*_a", "int_a"),
    ("int_?", "int_a int_b"),
    ("int_[ab]", "int_a int_b"),
    ("*", "source.events source.costs names stg_events stg_costs int_a int_b fct_one fct_two top"),
    ("source.*", "source.events source.costs"),
    ("tag:money", "stg_costs int_b fct_two"),
    ("tag:d*", "fct_one fct_two"),
    ("layer:marts", "fct_one fct_two top"),
    ("layer:sources", "source.events source.costs"),
    ("layer:[si]*", "source.events source.costs stg_events stg_costs int_a int_b"),
    ("+int_a", "source.events names stg_events int_a"),
    ("int_a+", "int_a fct_one fct_two top"),
    ("+int_b+", "source.events source.costs stg_events stg_costs int_b fct_two top"),
    ("1+int_a", "names stg_events int_a"),
    ("2+int_a", "source.events names stg_events int_a"),
    ("0+int_a", "int_a"),
    ("stg_costs+1", "stg_costs int_b"),
    ("stg_costs+2", "stg_costs int_b fct_two"),
    ("stg_costs+0", "stg_costs"),
    ("1+int_b+1", "stg_events stg_costs int_b fct_two"),
    ("9+top", "source.events source.costs names stg_events stg_costs int_a int_b fct_two top"),
    ("@int_a", "source.events source.costs names stg_events stg_costs int_a int_b fct_one fct_two top"),
    ("@fct_one", "source.events names stg_events int_a fct_one"),
    ("@top", "source.events source.costs names stg_events stg_costs int_a int_b fct_two top"),
    ("+fct_*", "source.events source.costs names stg_events stg_costs int_a int_b fct_one fct_two"),
    ("tag:clean+1", "stg_events stg_costs int_a int_b"),
    ("+tag:daily", "source.events source.costs names stg_events stg_costs int_a int_b fct_one fct_two"),
    ("1+layer:marts", "int_a int_b fct_one fct_two top"),
    ("tag:money,layer:marts", "fct_two"),
    ("+fct_one,+fct_two", "source.events names stg_events int_a"),
    ("fct_*,tag:money", "fct_two"),
    ("fct_*, tag:money", "fct_two"),
    ("tag:money,layer:marts int_a", "int_a fct_two"),
    ("changed", "stg_costs int_b"),
    ("changed+", "stg_costs int_b fct_two top"),
    ("+changed,layer:sources", "source.events source.costs"),
    ("changed+1,layer:marts", "fct_two"),
]
EXCLUDED = [
    ("", "layer:marts", "source.events source.costs names stg_events stg_costs int_a int_b"),
    ("+fct_two", "tag:money", "source.events source.costs names stg_events int_a"),
    ("+fct_two", "tag:money+ source.*", "names stg_events int_a"),
    ("fct_*", "top", "fct_one fct_two"),
    ("layer:marts", "tag:daily,tag:money", "fct_one top"),
    ("changed+", "changed", "fct_two top"),
]
CHANGED = {"stg_costs", "int_b"}


def terms(text: str) -> list[str]:
    """Separate arguments; a blank after a comma belongs to its term."""
    return [term for term in re.split(r"(?<!,) +", text) if term]


@pytest.mark.parametrize(("written", "chosen"), TABLE)
def test_selection(written: str, chosen: str) -> None:
    assert list(GRAPH.select(terms(written), (), CHANGED)) == [name for name in GRAPH.order if name in chosen.split()]


@pytest.mark.parametrize(("written", "excluded", "chosen"), EXCLUDED)
def test_exclusion(written: str, excluded: str, chosen: str) -> None:
    assert set(GRAPH.select(terms(written), terms(excluded), CHANGED)) == set(chosen.split())


def test_selection_stands_in_the_order_of_building() -> None:
    assert GRAPH.select(["top", "stg_events", "source.events", "fct_two"]) == (
        "source.events",
        "stg_events",
        "fct_two",
        "top",
    )


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("int_c", 'Did you mean "int_'),
        ("fct_ones", 'Did you mean "fct_one"?'),
        ("INT_A", 'Did you mean "int_a"?'),
        ("tag:monney", 'Did you mean "money"?'),
        ("layer:mart", 'Did you mean "marts"?'),
        ("tag:money,layer:sources", None),
        ("zzz*", "Known: "),
    ],
)
def test_nothing_matches(written: str, hint: str | None) -> None:
    with pytest.raises(NothingSelected) as caught:
        GRAPH.select([written])
    assert written.rpartition(",")[2] in caught.value.message
    assert caught.value.exit_code == 4
    assert (caught.value.hint or "").startswith(hint or "")


def test_a_term_without_a_match_is_told_although_others_match() -> None:
    with pytest.raises(NothingSelected, match="nothing_here"):
        GRAPH.select(["int_a", "nothing_here"])


def test_a_misspelt_exclusion_is_told() -> None:
    with pytest.raises(NothingSelected, match="fct_onne"):
        GRAPH.select([], ["fct_onne"])


def test_everything_excluded() -> None:
    with pytest.raises(NothingSelected):
        GRAPH.select(["int_a"], ["int_*"])


@pytest.mark.parametrize(
    "written",
    ["tags:money", "++int_a", "int_a++", "+", "@", "", "@int_a@", "int+a", "a+b", "x+int_a", "int_a+x", "tag:"],
)
def test_terms_that_nobody_can_read(written: str) -> None:
    with pytest.raises(PlanError) as caught:
        GRAPH.select([written])
    assert caught.value.exit_code in (2, 4)


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(PlanError, match='unknown selection method "tags:"') as caught:
        GRAPH.select(["tags:money"])
    assert caught.value.hint == 'Did you mean "tag"?'
