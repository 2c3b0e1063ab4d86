"""What cannot be compiled is refused with the place, what was found, and what was probably meant."""

from __future__ import annotations

import pytest

from measure_cli.errors import PlanError
from tests.dialects.shop import Shop

# SQL, line of the complaint, words of the message, words of the hint
UNKNOWN_NAMES = [
    ("SELECT\n  amout\nFROM measure_ref.orders", 2, 'unknown column "amout"', 'Did you mean "amount"?'),
    ("SELECT\n  o.amout\nFROM measure_ref.orders AS o", 2, 'unknown column "amout" in "o"', '"amount"'),
    ("SELECT i\nFROM measure_ref.orders\nWHERE\n  kund = 'x'", 4, 'unknown column "kund"', '"kind"'),
    ("SELECT\n  p.i\nFROM measure_ref.orders AS o", 2, 'unknown table "p" in "p.i"', "Known: o."),
    ("SELECT\n  p.*\nFROM measure_ref.orders AS o", 2, 'unknown table "p" in "p.*"', "Known: o."),
    ("SELECT i.j AS j FROM measure_ref.orders", 1, 'unknown table "i" in "i.j"', ""),
    ("SELECT i\nFROM measure_ref.ordres", 2, 'unknown table "ordres"', '"orders"'),
    ("SELECT i\nFROM orders", 2, 'unknown table "orders"', "ref('orders')"),
    ("SELECT i FROM main.orders", 1, 'unknown table "main.orders"', "ref('orders')"),
    ("SELECT i FROM db.measure_ref.orders", 1, 'unknown table "db.orders"', ""),
    ("WITH totals AS (SELECT i FROM measure_ref.orders)\nSELECT i FROM total", 2, 'unknown table "total"', '"totals"'),
    ("SELECT i FROM 'orders.csv'", 1, 'unknown table "orders.csv"', ""),
    ("SELECT rond(x) AS x FROM measure_ref.orders", 1, "unknown function rond()", '"round"'),
    ("SELECT who\nFROM measure_ref.orders\nJOIN measure_ref.people ON TRUE", 1, 'ambiguous column "who"', "orders.who"),
    ("SELECT i FROM measure_ref.orders\nJOIN measure_ref.people USING (agee)", 2, 'USING column "agee"', '"age"'),
    ("SELECT i FROM measure_ref.orders UNION SELECT 1\nORDER BY j", 2, 'unknown column "j" in the ORDER BY', "i"),
    ("SELECT i FROM measure_ref.orders\nORDER BY 7", 2, "7", ""),
    ("SELECT orders FROM measure_ref.orders", 1, 'the table "orders" where a column was expected', ""),
    (
        "SELECT i FROM measure_ref.orders AS o\nWHERE EXISTS (SELECT 1 FROM measure_ref.people\nWHERE wo = o.who)",
        3,
        'unknown column "wo"',
        '"who"',
    ),
]

SHAPES = [
    ("SELECT 1 AS a, 2 AS A", 1, 'two output columns are named "a"', ""),
    ("SELECT * FROM measure_ref.orders AS a, measure_ref.orders AS b", 1, "two output columns", "List the columns"),
    ("WITH t AS (\nSELECT i, i FROM measure_ref.orders) SELECT 1 AS a FROM t", 2, 'named "i"', ""),
    ("SELECT\n  count(*)\nFROM measure_ref.orders", 2, "output column without a name: COUNT(*)", "AS"),
    ("SELECT n FROM (SELECT count(*) FROM measure_ref.orders) AS t", 1, "without a name", "AS"),
    ("SELECT i FROM measure_ref.orders UNION ALL\nSELECT i, who FROM measure_ref.orders", 2, "has 2 columns", ""),
    ("SELECT i FROM measure_ref.orders, measure_ref.orders", 1, "orders", ""),
]

NOT_ONE_SELECT = [
    ("", 1, "found no SQL", ""),
    ("SELECT 1 AS a;\nSELECT 2 AS a", 2, "found 2 statements", ""),
    ("INSERT INTO measure_ref.orders SELECT 1", 1, "found INSERT statement", "one SELECT"),
    ("DELETE FROM measure_ref.orders", 1, "found DELETE statement", ""),
    ("CREATE TABLE t AS SELECT 1 AS a", 1, "found CREATE statement", ""),
    ("DROP TABLE measure_ref.orders", 1, "found DROP statement", ""),
    ("SET threads = 1", 1, "found SET statement", ""),
    ("ATTACH 'x.db'", 1, "found ATTACH statement", ""),
    ("COPY measure_ref.orders TO 'x.csv'", 1, "found COPY statement", ""),
    ("PRAGMA database_list", 1, "found PRAGMA statement", ""),
    ("INSTALL httpfs", 1, "found INSTALL statement", ""),
    ("CALL pragma_version()", 1, "found CALL statement", ""),
    ("VALUES (1)", 1, "found VALUES statement", ""),
    ("WITH x AS (DELETE FROM measure_ref.orders RETURNING *) SELECT * FROM x", 1, "DELETE statement inside", ""),
    ("SELECT i FROM read_csv('x.csv')", 1, "table function read_csv()", ""),
    ("SELECT i FROM measure_ref.orders, glob('*')", 1, "table function", ""),
    ("SELECT i FROM duckdb_settings()", 1, "table function", ""),
    ("SELECT $a AS a", 1, "parameter $a", "literal"),
    ("SELECT ? AS a", 1, "parameter", ""),
]

SYNTAX = [
    ("SELECT i\nFROM measure_ref.orders\nWHERE (i > 1", 3, "syntax error", "The line reads: WHERE (i > 1"),
    ("SELECT i\nFROM measure_ref.orders\nWHERE", 3, "an expression is missing", "The line reads: WHERE"),
    ("SELECT i j k\nFROM measure_ref.orders", 1, "syntax error", "The line reads"),
    ("SELECT 'ok\n' AS a,\n  'a AS b\nFROM measure_ref.orders", 3, "not closed", "'a AS b"),
    ("SELECT i\n/* FROM measure_ref.orders", 2, "not closed", ""),
    ("WITH t AS (SELECT 1 AS a)", 1, "syntax error", ""),
    ("SELECT CASE WHEN i THEN 1 FROM measure_ref.orders", 1, "syntax error", ""),
]


@pytest.mark.parametrize(("sql", "line", "message", "hint"), UNKNOWN_NAMES + SHAPES + NOT_ONE_SELECT + SYNTAX)
def test_the_message_names_place_and_cause(shop: Shop, sql: str, line: int, message: str, hint: str) -> None:
    with pytest.raises(PlanError) as caught:
        shop.compile(sql)
    assert caught.value.message.startswith(f"model.sql:{line}: ")
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "sqlglot" not in str(caught.value)
    assert "<Token" not in str(caught.value)


def test_internal_column_is_visible_in_sources_only(shop: Shop) -> None:
    assert shop.compile("SELECT _unreadable FROM measure_source.raw").columns == (("_unreadable", "VARCHAR"),)
    with pytest.raises(PlanError, match="_unreadable"):
        shop.compile("SELECT _unreadable FROM measure_ref.orders")
