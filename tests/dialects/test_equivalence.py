"""A compiled query returns what the authored query returns: same columns, same types, same rows."""

from __future__ import annotations

import pytest

from tests.dialects.shop import Shop

QUERIES = {
    "star": "SELECT * FROM measure_ref.orders",
    "star of one of two": """
        SELECT o.*, p.age FROM measure_ref.orders AS o LEFT JOIN measure_ref.people AS p ON o.who = p.who""",
    "star with exclude and replace": "SELECT * EXCLUDE (ts) REPLACE (i * 2 AS i) FROM measure_ref.orders",
    "alias shadows a column": """
        SELECT coalesce(i, 0) + 1 AS i, i * 10 AS j, i > 1 AS late FROM measure_ref.orders WHERE i > 1""",
    "alias shadows in an aggregate": "SELECT max(x) AS x, kind FROM measure_ref.orders WHERE x > 0 GROUP BY kind",
    "alias shadows text": "SELECT upper(kind) AS kind FROM measure_ref.orders WHERE kind = 'Email'",
    "lateral aliases": "SELECT i AS a, a + 1 AS b, b * 2 AS c FROM measure_ref.orders WHERE b > 2",
    "group by alias, ordinal": "SELECT kind AS k, count(*) AS n FROM measure_ref.orders GROUP BY 1 HAVING n > 1",
    "group by all": "SELECT who, kind, sum(amount) AS s FROM measure_ref.orders GROUP BY ALL",
    "order by alias": "SELECT i AS a, -i AS b FROM measure_ref.orders ORDER BY b",
    "order by ordinal, limit": "SELECT who, i FROM measure_ref.orders ORDER BY 1 DESC NULLS LAST, 2 LIMIT 3",
    "cte chain": """
        WITH a AS (SELECT i, amount FROM measure_ref.orders), b AS (SELECT i + 1 AS i, amount FROM a WHERE i > 1)
        SELECT a.i, b.amount FROM a INNER JOIN b ON a.i = b.i""",
    "cte with column names": "WITH a(n, m) AS (SELECT i, who FROM measure_ref.orders) SELECT m, n FROM a",
    "cte named like a relation": "WITH orders AS (SELECT i FROM measure_ref.orders WHERE i < 3) SELECT i FROM orders",
    "recursive spine": """
        WITH RECURSIVE weeks AS (
            SELECT CAST(DATE '2024-01-01' AS DATE) AS wk
            UNION ALL
            SELECT CAST(wk + INTERVAL 7 DAY AS DATE) AS wk FROM weeks WHERE wk < DATE '2024-03-01'
        ) SELECT wk FROM weeks""",
    "recursive with column names": """
        WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 5) SELECT k AS j FROM n""",
    "window functions": """
        SELECT i, row_number() OVER (PARTITION BY who ORDER BY ts) AS rn, lag(amount) OVER (ORDER BY i) AS previous,
            sum(x) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS running,
            ntile(2) OVER (ORDER BY i) AS half
        FROM measure_ref.orders""",
    "named window": "SELECT sum(i) OVER w AS s FROM measure_ref.orders WINDOW w AS (PARTITION BY who ORDER BY i)",
    "qualify": """
        SELECT who, i FROM measure_ref.orders QUALIFY row_number() OVER (PARTITION BY who ORDER BY i DESC) = 1""",
    "last value, ignore nulls": """
        SELECT i, last_value(who IGNORE NULLS) OVER (
            ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS w FROM measure_ref.orders""",
    "filter": """
        SELECT count(*) FILTER (WHERE i > 2) AS n, sum(amount) FILTER (WHERE x > 0) AS s FROM measure_ref.orders""",
    "quantiles": """
        SELECT quantile_cont(x, 0.5) AS q, median(i) AS m, percentile_cont(0.25) WITHIN GROUP (ORDER BY x) AS p,
            percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC) AS r FROM measure_ref.orders""",
    "string_agg": """
        SELECT string_agg(kind, ', ' ORDER BY i DESC) AS a, string_agg(DISTINCT who, '|' ORDER BY who) AS b
        FROM measure_ref.orders""",
    "arg_max and bools": """
        SELECT arg_max(kind, ts) AS k, bool_or(x > 0) AS o, bool_and(x > 0) AS a, any_value(who) AS w
        FROM measure_ref.orders WHERE who = 'bob'""",
    "grouping sets": """
        SELECT who, kind, count(*) AS n, grouping(who) AS g
        FROM measure_ref.orders GROUP BY GROUPING SETS ((who, kind), (who), ())""",
    "rollup": "SELECT who, sum(i) AS n FROM measure_ref.orders GROUP BY ROLLUP (who)",
    "count distinct": "SELECT count(DISTINCT who) AS n, avg(amount) AS a, sum(i) AS s FROM measure_ref.orders",
    "quoted and unicode names": """
        SELECT "Größe (€)", "order", "say ""hi"" x" AS "a ""b"" c", user_id, "İ" AS "ı"
        FROM measure_ref."Odd Names" """,
    "star of odd names": 'SELECT *, "Größe (€)" * 2 AS "Doppelt" FROM measure_ref."Odd Names"',
    "case": """
        SELECT CASE WHEN x > 1 THEN 1 WHEN x < 0 THEN -1 ELSE 0 END AS a, CASE kind WHEN 'Email' THEN 'E' END AS b,
            CASE WHEN i > 1 THEN 1.5 ELSE 2 END AS c FROM measure_ref.orders""",
    "compared negations": """
        SELECT d IS NOT NULL IS NULL AS a, d IS NOT NULL = (i > 9) AS b, (i NOT IN (1, 2)) IS NULL AS c,
            NOT i > 1 AND d IS NOT NULL AS e, (NOT i > 1) = (d IS NOT NULL) AS f FROM measure_ref.orders""",
    "dates": """
        SELECT CAST(date_trunc('week', ts) AS DATE) AS wk, CAST(d + INTERVAL 1 MONTH AS DATE) AS m, last_day(d) AS e,
            CAST(d - INTERVAL (i) DAY AS DATE) AS back, date_diff('day', d, DATE '2024-03-01') AS days, year(d) AS y,
            date_diff('microsecond', TIMESTAMP '1970-01-01 00:00:00', ts) AS us, extract(isodow FROM d) AS dow
        FROM measure_ref.orders""",
    "text": r"""
        SELECT nullif(trim(day), '') AS day, try_cast(trim(amount) AS DOUBLE) AS amount, md5(amount) AS m,
            coalesce(amount, '') || '|' || 'it''s' AS t, regexp_replace(day, '[- ]', '', 'g') AS r,
            substr(day, 1, 3) AS p, day LIKE '____-__-__' AS l, _unreadable
        FROM measure_source.raw""",
    "numbers": """
        SELECT amount * 2 AS a, amount + amount AS b, x / nullif(i, 0) AS c, -amount AS e, abs(x) AS f, floor(x) AS g,
            CAST(floor(x) AS BIGINT) AS h, i % 2 AS k, pow(2, i) AS l, ln(i) AS m, log10(i) AS n, amount * amount AS o,
            sign(x) AS p, coalesce(amount, 0) AS q, greatest(i, 3) AS r, 0.5 * x AS s, 1e3 AS t, 3000000000 AS u
        FROM measure_ref.orders""",
    "joins": """
        SELECT o.i, p.age FROM measure_ref.orders AS o FULL JOIN measure_ref.people AS p ON o.who = p.who
        UNION ALL
        SELECT o.i, p.age FROM measure_ref.orders AS o CROSS JOIN measure_ref.people AS p WHERE o.i > p.age - 6""",
    "join using": "SELECT who, age, i FROM measure_ref.orders LEFT JOIN measure_ref.people USING (who)",
    "is not distinct from": """
        SELECT o.i, p.age FROM measure_ref.orders AS o
        INNER JOIN measure_ref.people AS p ON o.who IS NOT DISTINCT FROM p.who""",
    "exists and in": """
        SELECT i FROM measure_ref.orders AS o
        WHERE EXISTS (SELECT 1 FROM measure_ref.people AS p WHERE p.who = o.who AND age > 7)
            OR i IN (SELECT max(i) FROM measure_ref.orders) OR (i, who) IN ((1, 'ann'))""",
    "scalar subqueries": """
        SELECT i, (SELECT max(age) FROM measure_ref.people) AS oldest,
            coalesce((SELECT count(*) FROM measure_ref.people AS p WHERE p.who = o.who), 0) AS n
        FROM measure_ref.orders AS o""",
    "union of differently named branches": """
        SELECT i AS a, who AS b FROM measure_ref.orders UNION ALL SELECT age, upper(who) FROM measure_ref.people
        UNION ALL SELECT 0 AS b, NULL AS a""",
    "union of ordered branches": """
        (SELECT i AS a, who AS b FROM measure_ref.orders ORDER BY a LIMIT 2)
        UNION ALL
        (SELECT age AS b, who AS a FROM measure_ref.people ORDER BY a DESC, b LIMIT 1)""",
    "ordered union": """
        SELECT i FROM measure_ref.orders UNION SELECT age FROM measure_ref.people ORDER BY i NULLS LAST LIMIT 4""",
    "union with a scalar subquery": """
        SELECT i AS "Total" FROM measure_ref.orders
        UNION ALL SELECT (SELECT max(age) FROM measure_ref.people)
        UNION ALL (SELECT sum(i) OVER (ORDER BY i) AS n FROM measure_ref.orders ORDER BY n LIMIT 2)""",
    "union by name": "SELECT i AS a, 1 AS b FROM measure_ref.orders UNION ALL BY NAME SELECT 2 AS b, 3 AS a",
    "union by name of other columns": "SELECT i AS a FROM measure_ref.orders UNION ALL BY NAME SELECT 2 AS b, 3.5 AS a",
    "except, intersect": """
        SELECT who FROM measure_ref.orders EXCEPT SELECT who FROM measure_ref.people
        UNION ALL (SELECT who FROM measure_ref.orders INTERSECT SELECT who AS w FROM measure_ref.people)""",
    "values": "SELECT a, b FROM (VALUES (1, 'x'), (2, NULL)) AS t(a, b)",
    "derived table": "SELECT t.n + 1 AS n FROM (SELECT count(*) AS n FROM measure_ref.orders) AS t",
    "qualified by schema": "SELECT measure_ref.orders.i FROM measure_ref.orders",
    "distinct": "SELECT DISTINCT who, kind = 'Email' AS is_email FROM measure_ref.orders",
    "from first": "FROM measure_ref.people",
    "comments": "SELECT /* measure_ref.orders */ i -- ; DROP\nFROM measure_ref.orders",
    "long literals": """
        SELECT 'a\n  b\n\n c' AS t, '  ' AS blank, e'tab\\t' AS tab, 'measure_ref.orders' AS r
        FROM measure_ref.people""",
}


@pytest.mark.parametrize("name", QUERIES)
def test_compiled_query_returns_the_same(shop: Shop, name: str) -> None:
    authored = QUERIES[name]
    compiled = shop.compile(authored)
    sql = shop.physical_sql(compiled)
    assert "measure_ref.orders AS" not in sql
    expected, found = shop.run(authored), shop.run(sql)
    if "ORDER BY" in authored.rpartition(")")[2]:
        assert found == expected
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


@pytest.mark.parametrize("name", QUERIES)
def test_columns_and_types_are_those_of_duckdb(shop: Shop, name: str) -> None:
    compiled = shop.compile(QUERIES[name])
    described = shop.described(QUERIES[name])
    assert shop.described(shop.physical_sql(compiled)) == described
    assert [column for column, _ in compiled.columns] == [column for column, _ in described]
    for (column, told), (_, actual) in zip(compiled.columns, described, strict=True):
        assert (column, told) in {(column, actual), (column, "UNKNOWN")}


def test_most_types_are_told(shop: Shop) -> None:
    types = [found for sql in QUERIES.values() for _, found in shop.compile(sql).columns]
    assert types.count("UNKNOWN") <= len(types) * 0.05


@pytest.mark.parametrize("name", QUERIES)
def test_compiling_again_changes_nothing(shop: Shop, name: str) -> None:
    once = shop.compile(QUERIES[name])
    names = {key: f'{key.partition(".")[0]}."{key.partition(".")[2]}"' for key in once.relations}
    again = shop.compile(once.sql(names.__getitem__))
    assert again.sql(str).split() == once.sql(str).split()
