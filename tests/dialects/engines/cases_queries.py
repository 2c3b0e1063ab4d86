"""Queries: joins, unions, grouping, subqueries, names that shadow, recursion, VALUES."""

from __future__ import annotations

N, P, E = "measure_ref.numbers", "measure_ref.people", "measure_ref.events"

QUERIES = {
    "alias shadows a column": f"SELECT coalesce(i, 0) + 1 AS i, i * 10 AS j, i > 1 AS late FROM {E} WHERE i > 2",
    "alias shadows in where": f"SELECT upper(kind) AS kind, i FROM {N} WHERE kind = 'a'",
    "alias shadows in an aggregate": f"SELECT max(x) AS x, kind FROM {N} WHERE x > 0 GROUP BY kind",
    "aliases exchanged": f"SELECT x AS y, y AS x FROM {N} WHERE x > y",
    "alias of a group key": f"SELECT lower(kind) AS kind, count(*) AS n FROM {N} GROUP BY lower(kind)",
    "alias shadows in a window": f"SELECT i, sum(x) AS x, row_number() OVER (ORDER BY i) AS n FROM {N} GROUP BY i",
    "alias used twice": f"SELECT n + 1 AS a, a * 2 AS b, b > 3 AS c FROM {N} WHERE b IS NOT NULL",
    "order by shadowing alias": f"SELECT -i AS i FROM {E} ORDER BY i LIMIT 3",
    "left join, unmatched": f"SELECT e.i, p.who, p.age FROM {E} AS e LEFT JOIN {P} AS p ON e.who = p.who",
    "left join to literals": f"""
        SELECT e.i, p.one, p.label, p.one IS NULL AS missing FROM {E} AS e
        LEFT JOIN (SELECT who, 1 AS one, 'x' AS label FROM {P}) AS p ON e.who = p.who""",
    "left join to counts": f"""
        SELECT p.who, coalesce(c.n, 0) AS n, c.n IS NULL AS none FROM {P} AS p
        LEFT JOIN (SELECT who, count(*) AS n FROM {E} GROUP BY who) AS c ON p.who = c.who""",
    "left join, count of matches": f"""
        SELECT p.who, count(e.i) AS n, count(*) AS m
        FROM {P} AS p LEFT JOIN {E} AS e ON e.who = p.who GROUP BY p.who""",
    "right join": f"SELECT e.i, p.who FROM {E} AS e RIGHT JOIN {P} AS p ON e.who = p.who",
    "full join": f"SELECT e.i, e.who AS a, p.who AS b FROM {E} AS e FULL JOIN {P} AS p ON e.who = p.who",
    "full join using": f"SELECT who, i, age FROM {E} FULL JOIN {P} USING (who)",
    "left join using": f"SELECT who, i, age FROM {E} LEFT JOIN {P} USING (who)",
    "cross join": f"SELECT e.i, p.who FROM {E} AS e CROSS JOIN {P} AS p WHERE e.i < 3",
    "join on null keys": f"SELECT e.i, p.age FROM {E} AS e INNER JOIN {P} AS p ON e.who IS NOT DISTINCT FROM p.who",
    "left join on null keys": f"SELECT e.i, p.age FROM {E} AS e LEFT JOIN {P} AS p ON e.who IS NOT DISTINCT FROM p.who",
    "join on a range": f"SELECT a.i, b.i AS j FROM {E} AS a INNER JOIN {E} AS b ON a.pos < b.pos",
    "left join on a range": f"SELECT a.i, b.i AS j FROM {E} AS a LEFT JOIN {E} AS b ON a.pos < b.pos",
    "full join on a range": f"SELECT a.i, b.i AS j FROM {E} AS a FULL JOIN {E} AS b ON a.pos > b.pos + 5",
    "left join on a key and a range": f"""
        SELECT a.i, b.i AS j FROM {E} AS a LEFT JOIN {E} AS b ON a.who = b.who AND a.pos < b.pos""",
    "left join on a key and a constant": f"""
        SELECT a.i, b.i AS j FROM {E} AS a LEFT JOIN {E} AS b ON a.who = b.who AND b.label = 'p' AND a.x > 0""",
    "left join on true": f"SELECT a.i, b.age FROM {E} AS a LEFT JOIN {P} AS b ON TRUE WHERE a.i < 3",
    "left join on either": f"SELECT a.i, b.i AS j FROM {E} AS a LEFT JOIN {E} AS b ON a.who = b.who OR a.pos = b.pos",
    "join of different numbers": f"SELECT a.i, b.price FROM {N} AS a INNER JOIN {N} AS b ON a.x = b.n",
    "join of a decimal and an integer": f"SELECT a.i, b.amount FROM {N} AS a INNER JOIN {N} AS b ON a.n = b.amount",
    "self join twice": f"""
        SELECT a.i, b.i AS j, c.i AS k FROM {E} AS a INNER JOIN {E} AS b ON a.who = b.who
        LEFT JOIN {E} AS c ON b.label = c.label AND c.i > b.i""",
    "anti join": f"SELECT e.i FROM {E} AS e LEFT JOIN {P} AS p ON e.who = p.who WHERE p.who IS NULL",
    "exists": f"SELECT i FROM {E} AS e WHERE EXISTS (SELECT 1 FROM {P} AS p WHERE p.who = e.who AND p.age > 10)",
    "not exists": f"SELECT i FROM {E} AS e WHERE NOT EXISTS (SELECT 1 FROM {P} AS p WHERE p.who = e.who)",
    "not exists of a range": f"SELECT i FROM {E} AS e WHERE NOT EXISTS (SELECT 1 FROM {E} AS o WHERE o.pos > e.pos)",
    "in a subquery": f"SELECT i FROM {E} WHERE who IN (SELECT who FROM {P})",
    "tuples in a list": f"SELECT i FROM {E} WHERE (who, pos) IN (('a', 10), ('b', 7))",
    "tuples in a subquery": f"SELECT i FROM {E} WHERE (who, label) IN (SELECT who, label FROM {E} WHERE x > 0)",
    "scalar subquery": f"SELECT i, (SELECT max(age) FROM {P}) AS oldest FROM {E}",
    "scalar subquery of nothing": f"SELECT i, (SELECT age FROM {P} WHERE who = 'none') AS a FROM {E}",
    "correlated maximum": f"SELECT i, (SELECT max(age) FROM {P} AS p WHERE p.who = e.who) AS a FROM {E} AS e",
    "correlated count": f"""
        SELECT i, coalesce((SELECT count(*) FROM {P} AS p WHERE p.who = e.who), 0) AS n FROM {E} AS e""",
    "compared to a subquery": f"SELECT i FROM {E} WHERE x > (SELECT avg(x) FROM {E})",
    "group by null": f"SELECT who, count(*) AS n, sum(x) AS s FROM {E} GROUP BY who",
    "group by expressions": f"SELECT x > 0 AS positive, coalesce(label, '') AS k, count(*) AS n FROM {E} GROUP BY 1, 2",
    "group by all": f"SELECT who, label, max(i) AS m FROM {E} GROUP BY ALL",
    "having": f"SELECT who FROM {E} GROUP BY who HAVING count(*) > 1 AND max(x) > 0",
    "having without groups": f"SELECT sum(x) AS s FROM {E} HAVING count(*) > 100",
    "rollup": f"SELECT who, label, count(*) AS n FROM {E} GROUP BY ROLLUP (who, label)",
    "rollup of literals": f"SELECT k, count(*) AS n FROM (SELECT 'x' AS k, i FROM {E}) AS t GROUP BY ROLLUP (k)",
    "cube": f"SELECT who, label, sum(i) AS n FROM {E} GROUP BY CUBE (who, label)",
    "grouping sets": f"""
        SELECT who, label, count(*) AS n, grouping(who) AS g FROM {E}
        GROUP BY GROUPING SETS ((who, label), (who), ())""",
    "distinct": f"SELECT DISTINCT who, label = 'p' AS is_p FROM {E}",
    "distinct numbers": f"SELECT DISTINCT n % 2 AS k, amount > 0 AS p FROM {N}",
    "count of distinct rows": f"SELECT count(*) AS n FROM (SELECT DISTINCT who, label FROM {E}) AS t",
    "union all": f"SELECT i AS a, x AS b FROM {E} UNION ALL SELECT age, NULL FROM {P}",
    "union": f"SELECT who FROM {E} UNION SELECT who FROM {P}",
    "union of numbers": f"SELECT i AS a FROM {N} UNION ALL SELECT x FROM {N} UNION ALL SELECT amount FROM {N}",
    "union of integers": f"SELECT n AS a FROM {N} UNION ALL SELECT h FROM {N} UNION ALL SELECT 0.5",
    "union of predicates": f"SELECT x > 0 AS p FROM {N} UNION ALL SELECT flag FROM {N} UNION ALL SELECT TRUE",
    "union of a null first": f"SELECT CAST(NULL AS BIGINT) AS a, 'x' AS b UNION ALL SELECT i, who FROM {E}",
    "union of other names": f"SELECT i AS a, who AS b FROM {E} UNION ALL SELECT age AS b, who AS a FROM {P}",
    "union with order": f"SELECT i FROM {E} UNION ALL SELECT age FROM {P} ORDER BY i DESC NULLS LAST LIMIT 4",
    "union with limited branches": f"""
        (SELECT i AS a FROM {E} ORDER BY a DESC LIMIT 2) UNION ALL (SELECT age AS a FROM {P} ORDER BY a LIMIT 1)""",
    "union of aggregates": f"SELECT 'e' AS t, count(*) AS n FROM {E} UNION ALL SELECT 'p', count(*) FROM {P}",
    "union in a derived table": f"SELECT max(a) AS m FROM (SELECT i AS a FROM {E} UNION ALL SELECT age FROM {P}) AS t",
    "except": f"SELECT who FROM {E} EXCEPT SELECT who FROM {P}",
    "intersect": f"SELECT who FROM {E} INTERSECT SELECT who FROM {P}",
    "except with repeats": f"SELECT label FROM {E} EXCEPT SELECT who FROM {P}",
    "intersect before union": f"SELECT who FROM {E} UNION SELECT who FROM {E} INTERSECT SELECT who FROM {P}",
    "except after union": f"(SELECT who FROM {E} UNION ALL SELECT who FROM {P}) EXCEPT SELECT 'a'",
    "chain of ctes": f"""
        WITH a AS (SELECT i, x FROM {E}), b AS (SELECT i + 1 AS i, x FROM a WHERE x > 0)
        SELECT a.i, b.x FROM a LEFT JOIN b ON a.i = b.i""",
    "cte read often": f"""
        WITH a AS (SELECT who, count(*) AS n FROM {E} GROUP BY who), b AS (SELECT sum(n) AS s FROM a)
        SELECT a.who, a.n, b.s, c.n AS m FROM a CROSS JOIN b INNER JOIN a AS c ON a.n <= c.n
        WHERE EXISTS (SELECT 1 FROM a AS d WHERE d.n > a.n) OR a.n IN (SELECT n FROM a)""",
    "cte of a cte": f"""
        WITH a AS (WITH b AS (SELECT i FROM {E}) SELECT i FROM b WHERE i > 2) SELECT x.i FROM a AS x, a AS y""",
    "cte named like a table": f"WITH events AS (SELECT i FROM {E} WHERE i < 3) SELECT i FROM events",
    "cte with column names": f"WITH a(n, m) AS (SELECT i, who FROM {E}) SELECT m, n FROM a",
    "materialized cte": f"WITH a AS MATERIALIZED (SELECT i FROM {E}) SELECT i FROM a",
    "recursion": """
        WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM n WHERE k < 400) SELECT sum(k) AS s FROM n""",
    "recursion over a thousand": """
        WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM n WHERE k < 1500) SELECT max(k) AS m FROM n""",
    "recursion of doubles": """
        WITH RECURSIVE n AS (SELECT 0 AS k, CAST(1 AS DOUBLE) AS a UNION ALL SELECT k + 1, a * 0.5 FROM n WHERE k < 60)
        SELECT k, a FROM n""",
    "recursion over a table": f"""
        WITH RECURSIVE up AS (SELECT i, 1 AS depth FROM {E} WHERE i = 1
            UNION ALL SELECT e.i, up.depth + 1 FROM up INNER JOIN {E} AS e ON e.i = up.i + 1)
        SELECT i, depth FROM up""",
    "recursion with a sibling": f"""
        WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM n WHERE k < 5), t AS (SELECT who, i FROM {E})
        SELECT n.k, a.who FROM n LEFT JOIN t AS a ON a.i = n.k LEFT JOIN t AS b ON b.i = n.k + 1""",
    "values": "SELECT a, b FROM (VALUES (1, 'x'), (2, NULL), (-3, 'it''s')) AS t(a, b)",
    "values of mixed numbers": "SELECT a, b FROM (VALUES (1, 0.5), (2.5, NULL), (NULL, 3)) AS t(a, b)",
    "values of dates": "SELECT a FROM (VALUES (DATE '2024-01-01'), (NULL), (DATE '1900-02-28')) AS t(a)",
    "values of big numbers": "SELECT a FROM (VALUES (9223372036854775807), (-1), (3000000000)) AS t(a)",
    "limit with offset": f"SELECT i FROM {E} ORDER BY i LIMIT 2 OFFSET 3",
    "order with nulls": f"SELECT i, pos FROM {E} ORDER BY pos, i LIMIT 20",
    "order with nulls down": f"SELECT i, pos FROM {E} ORDER BY pos DESC, i LIMIT 20",
    "order with nulls first": f"SELECT i, pos FROM {E} ORDER BY pos NULLS FIRST, i LIMIT 20",
    "order by an expression": f"SELECT i FROM {E} ORDER BY coalesce(x, 0) * -1, i LIMIT 3",
    "star": f"SELECT * FROM {P}",
    "star but one": f"SELECT * EXCLUDE (age) FROM {P}",
    "star of a join": f"SELECT e.*, p.age FROM {E} AS e INNER JOIN {P} AS p ON e.who = p.who",
    "constants": "SELECT 1 AS a, 'x' AS b, NULL::DOUBLE AS c, TRUE AS d, 1.5 AS e, DATE '2024-01-01' AS f",
    "names that are words elsewhere": f"""
        SELECT i AS date, x AS value, who AS key, pos AS timestamp, label AS week FROM {E}""",
    "table named by its schema": f"SELECT {E}.i FROM {E}",
    "compared negations": f"SELECT i, n IS NOT NULL IS NULL AS a, n IS NOT NULL = flag AS b FROM {N}",
    "null in a list of values": f"SELECT i, n IN (CAST(NULL AS BIGINT), 1) AS v, n NOT IN (n + 1, 3) AS w FROM {N}",
    "filter on a boolean": f"SELECT i FROM {N} WHERE flag",
    "filter on not": f"SELECT i FROM {N} WHERE NOT coalesce(flag, FALSE)",
    "filter on nothing": f"SELECT count(*) AS n FROM {N} WHERE NULL",
    "weighted": f"SELECT sum(x * i) / nullif(sum(CASE WHEN x IS NOT NULL THEN i END), 0) AS w FROM {E}",
    "shares": f"""
        WITH t AS (SELECT who, CAST(count(*) AS DOUBLE) AS n FROM {E} GROUP BY who)
        SELECT who, n / nullif(sum(n) OVER (), 0) AS share FROM t""",
    "pivoted": f"""
        SELECT who, sum(CASE WHEN label = 'p' THEN x END) AS p, sum(x) FILTER (WHERE label = 'q') AS q
        FROM {E} GROUP BY who""",
    "anchor of a number": f"SELECT 1 + 1 AS a, (SELECT 1) AS b, -(1) AS c FROM {E}",
}  # fmt: skip
