"""What the text for ClickHouse says where rows alone do not show it."""

from __future__ import annotations

import pytest

from measure_cli.dialects.compile import compile_select
from measure_cli.kinds import EngineKind
from tests.dialects.shop import Shop

O = "measure_ref.orders"  # noqa: E741


def written(shop: Shop, sql: str) -> str:
    compiled = compile_select(sql, shop.schema, locate=str, engine=EngineKind.CLICKHOUSE)
    return " ".join(compiled.sql(lambda key: f"`{key}`").split())


@pytest.mark.parametrize(
    ("sql", "is_shared"),
    [
        (f"WITH a AS (SELECT i FROM {O}) SELECT x.i FROM a AS x INNER JOIN a AS y ON x.i = y.i", True),
        (f"WITH a AS (SELECT i FROM {O}), b AS (SELECT max(i) AS m FROM a) SELECT a.i, b.m FROM a CROSS JOIN b", True),
        (f"WITH a AS (SELECT i FROM {O}) SELECT i FROM a", False),
        (f"WITH a AS MATERIALIZED (SELECT i FROM {O}) SELECT i FROM a", False),
        (f"WITH a AS (SELECT i FROM {O}) SELECT i FROM a WHERE i IN (SELECT i FROM a)", False),
        (f"WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM n WHERE k < 3), a AS (SELECT i FROM {O}) "
         "SELECT x.i FROM a AS x INNER JOIN a AS y ON x.i = y.i INNER JOIN n ON n.k = x.i", False),
    ],
)  # fmt: skip
def test_a_cte_read_twice_is_computed_once(shop: Shop, sql: str, is_shared: bool) -> None:
    assert ("AS MATERIALIZED (" in written(shop, sql)) is is_shared


def test_columns_of_one_type_are_written_as_they_are(shop: Shop) -> None:
    assert written(shop, f"SELECT i, who, i > 1 AS late FROM {O}") == (
        "SELECT orders.i AS i, orders.who AS who, CAST(orders.i > 1 AS Nullable(Bool)) AS late "
        "FROM `measure_ref.orders` AS orders"
    )


def test_text_of_an_author_stays_a_literal(shop: Shop) -> None:
    text = written(shop, f"SELECT '{{x:String}} $a \\\\ '' -- /*' AS v FROM {O}")
    assert "'{x:String} $a \\\\\\\\ '' -- /*' AS v" in text.replace("\\'", "''")
