"""Relations are named late, and nothing else in the text is touched; the result survives as JSON."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure_cli.dialects.compiled import CompiledSelect, LintFinding
from tests.dialects.shop import Shop

LOOKALIKES = [
    "measure_ref.orders",
    "relation_mark0_0_",
    "relation_mark0_",
    "relation_mark1_1_ relation_mark0_0_",
    "/* measure_ref.orders */ -- it's",
    '"measure_ref"."orders"',
    "__SQLGLOT__LB__\n  x",
    "{0} %s $1 :a ?",
]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_literals_that_look_like_relations_survive(shop: Shop, text: str) -> None:
    quoted = text.replace("'", "''")
    compiled = shop.compile(f"SELECT '{quoted}' AS t, i FROM measure_ref.orders WHERE i = 1 OR who = '{quoted}'")
    assert compiled.relations == ("measure_ref.orders",)
    assert shop.run_compiled(compiled) == [(text, 1)]


@pytest.mark.parametrize(
    "name", ["relation_mark0_0_", "relation_mark1_", "measure_ref", "orders", "measure_ref.orders"]
)
def test_identifiers_that_look_like_relations_survive(shop: Shop, name: str) -> None:
    compiled = shop.compile(f'WITH "{name}" AS (SELECT i AS "{name}" FROM measure_ref.orders) SELECT * FROM "{name}"')
    assert compiled.columns == ((name, "BIGINT"),)
    assert sorted(shop.run_compiled(compiled)) == [(1,), (2,), (3,), (4,), (5,)]


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
def test_any_literal_survives(shop: Shop, text: str) -> None:
    quoted = text.replace("'", "''")
    compiled = shop.compile(f"SELECT '{quoted}' AS t FROM measure_ref.orders WHERE i = 1")
    assert shop.run_compiled(compiled) == [(text,)]


def test_every_use_of_a_relation_is_a_part(shop: Shop) -> None:
    compiled = shop.compile("""
        SELECT o.i FROM measure_ref.orders AS o CROSS JOIN measure_ref.people AS p
        WHERE o.i IN (SELECT i FROM measure_ref.orders)
        UNION ALL SELECT 1 FROM measure_source.raw""")
    assert sorted(compiled.parts[1::2]) == [
        "measure_ref.orders",
        "measure_ref.orders",
        "measure_ref.people",
        "measure_source.raw",
    ]
    assert compiled.relations == ("measure_ref.orders", "measure_ref.people", "measure_source.raw")


def test_a_query_without_relations_is_one_part(shop: Shop) -> None:
    compiled = shop.compile("SELECT 1 AS one")
    assert len(compiled.parts) == 1
    assert compiled.relations == ()


def test_json_round_trip(shop: Shop) -> None:
    compiled = shop.compile("""SELECT who AS "Größe ""x"" y", round(x) AS r FROM measure_ref.orders ORDER BY 1""")
    assert compiled.findings
    assert CompiledSelect.from_json(compiled.to_json()) == compiled


@given(
    parts=st.lists(st.text(max_size=8), min_size=1, max_size=5).map(tuple),
    columns=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3).map(tuple),
    line=st.none() | st.integers(1, 10**6),
)
def test_any_compiled_select_survives_as_json(
    parts: tuple[str, ...], columns: tuple[tuple[str, str], ...], line: int | None
) -> None:
    compiled = CompiledSelect(parts, columns, parts, (LintFinding("rule", line, "message", "fix"),))
    assert CompiledSelect.from_json(compiled.to_json()) == compiled


def test_the_compiled_form_loads_without_sqlglot() -> None:
    program = "import sys, measure_cli.dialects.compiled; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
