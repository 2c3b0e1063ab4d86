"""An audit of what a refresh replaces begins early, but not before that is there which it reads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.refresh.visits import Rows, open_visits

VISITS = tuple(("ann", datetime(2024, month, 3), "mail") for month in range(1, 5))
ORDERS = tuple((month, "ann", datetime(2024, month, 9), 100) for month in range(1, 6))

# Made after the model whose audit reads it.
IDENTITIES = """\
{{ config(materialized='table') }}
SELECT orders.id FROM {{ ref('int_orders') }} AS orders CROSS JOIN {{ ref('fct_total') }} AS total
"""
RELATED = """\
      - name: id
        data_tests:
          - unique
          - relationships: {to: dim_identities, field: id}
"""


def test_it_reads_what_is_built_later(tmp_path: Path) -> None:
    shop = open_visits(tmp_path, Rows(VISITS, ORDERS))
    shop.write("my_stack/marts/dim_identities.sql", IDENTITIES)
    shop.replace("my_stack/marts/schema.yml", "      - name: id\n        data_tests: [unique]\n", RELATED)
    shop.refresh()
    for number in range(6, 9):
        shop.give(Rows(VISITS, (*ORDERS, (number, "ann", datetime(2024, 5, number), 100))))
        ended = shop.refresh()
        assert ended.unusual == {}
        assert ended.audits["fct_touched", "relationships(id)"]["status"] == "pass"
        assert (number,) in shop.query("SELECT id FROM marts.dim_identities")
