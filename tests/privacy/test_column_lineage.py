"""From which columns an output is computed, construct by construct, and which columns only decide the rows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from measure_cli.dialects.compile import compile_select
from measure_cli.dialects.compiled import CompiledSelect, Origin

SCHEMA: Mapping[str, Mapping[str, str]] = {
    "measure_ref.b": {"Address": "VARCHAR", "u": "VARCHAR", "n": "BIGINT", "ts": "TIMESTAMP"},
    "measure_ref.c": {"address": "VARCHAR", "k": "VARCHAR"},
}
B, C = "measure_ref.b", "measure_ref.c"
ALL_OF_B = "b.Address b.n b.ts b.u"


def compiled(sql: str) -> CompiledSelect:
    return compile_select(sql, SCHEMA, locate=lambda line: f"model.sql:{line}")


def told(origins: tuple[Origin, ...]) -> str:
    """Origins in short: `b.u` for a column, `b.u#` for one that passed through pseudonymize()."""
    return " ".join(
        f"{origin.relation.removeprefix('measure_ref.')}.{origin.column}{'#' if origin.pseudonymized else ''}"
        for origin in origins
    )


# SQL with one output column -> what it is computed from
ORIGINS = [
    (f"SELECT address AS a FROM {B}", "b.Address"),
    (f"SELECT 1 AS a FROM {B}", ""),
    (f"SELECT count(*) AS a FROM {B}", ""),
    (f"SELECT upper(u) || address AS a FROM {B}", "b.Address b.u"),
    (f"SELECT CASE WHEN n > 1 THEN u END AS a FROM {B}", "b.n b.u"),
    (f"SELECT md5(address) AS a FROM {B}", "b.Address"),
    # pseudonyms
    (f"SELECT pseudonymize(address) AS a FROM {B}", "b.Address#"),
    (f"SELECT lower(pseudonymize(u || address)) AS a FROM {B}", "b.Address# b.u#"),
    (f"SELECT pseudonymize(u) || u AS a FROM {B}", "b.u b.u#"),
    (f"WITH t AS (SELECT pseudonymize(u) AS p, n FROM {B}) SELECT p || n AS a FROM t", "b.n b.u#"),
    (f"WITH t AS (SELECT u || 'x' AS p FROM {B}) SELECT pseudonymize(p) AS a FROM t", "b.u#"),
    (f"SELECT pseudonymize((SELECT max(k) FROM {C})) AS a FROM {B}", "c.k#"),
    # aggregates and windows
    (f"SELECT max(address) AS a FROM {B}", "b.Address"),
    (f"SELECT arg_max(address, n) AS a FROM {B}", "b.Address b.n"),
    (f"SELECT count(*) FILTER (WHERE u = 'x') AS a FROM {B}", "b.u"),
    (f"SELECT string_agg(u, ',' ORDER BY ts) AS a FROM {B}", "b.ts b.u"),
    (f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n) AS a FROM {B}", "b.n"),
    (f"SELECT sum(n) OVER (PARTITION BY u ORDER BY ts) AS a FROM {B}", "b.n b.ts b.u"),
    (f"SELECT row_number() OVER (ORDER BY address) AS a FROM {B}", "b.Address"),
    (f"SELECT sum(n) OVER w AS a FROM {B} WINDOW w AS (PARTITION BY u)", "b.n b.u"),
    (f"SELECT sum(n) OVER w AS a FROM {B} WINDOW v AS (PARTITION BY u), w AS (v ORDER BY ts)", "b.n b.ts b.u"),
    # CTEs and subqueries
    (f"WITH t AS (SELECT address FROM {B}), s AS (SELECT address AS x FROM t) SELECT x AS a FROM s", "b.Address"),
    (f"WITH t(x, y) AS (SELECT u, n FROM {B}) SELECT y AS a FROM t", "b.n"),
    (f"SELECT s.y AS a FROM (SELECT u, n FROM {B}) AS s(x, y)", "b.n"),
    (
        f"WITH t AS (SELECT u FROM {B}), s AS (WITH t AS (SELECT t.u || 'x' AS u FROM t) SELECT u FROM t) "
        "SELECT u AS a FROM s",
        "b.u",
    ),
    (
        f"WITH t AS (SELECT u AS x FROM {B}), s AS (WITH t AS (SELECT k AS x FROM {C}) SELECT x FROM t) "
        "SELECT s.x AS a FROM s, t",
        "c.k",
    ),
    (f"SELECT (SELECT max(i.k) FROM {C} AS i WHERE i.address = o.u) AS a FROM {B} AS o", "c.k"),
    (f"SELECT (SELECT max(o.u || i.k) FROM {C} AS i) AS a FROM {B} AS o", "b.u c.k"),
    (f"SELECT u IN (SELECT k FROM {C}) AS a FROM {B}", "b.u c.k"),
    (f"SELECT EXISTS (SELECT k FROM {C} AS i WHERE i.k = o.u) AS a FROM {B} AS o", ""),
    # stars and joins
    (f"SELECT * EXCLUDE (address, n, ts) FROM {B}", "b.u"),
    (f"SELECT s.* FROM (SELECT u FROM {B}) AS s", "b.u"),
    (f"SELECT * EXCLUDE (address, n, ts) REPLACE (md5(address) AS u) FROM {B}", "b.Address"),
    (f"SELECT address FROM {B} INNER JOIN {C} USING (address)", "b.Address c.address"),
    (f"SELECT c.k AS a FROM {B} AS b LEFT JOIN {C} AS c ON b.u = c.k", "c.k"),
    (f"SELECT x.u AS a FROM {B} AS x, {B} AS y WHERE x.n < y.n", "b.u"),
    (f"SELECT b.address AS a FROM ({B} AS b INNER JOIN {C} AS c ON b.u = c.k)", "b.Address"),
    # set operations
    (f"SELECT u AS a FROM {B} UNION ALL SELECT address FROM {C}", "b.u c.address"),
    (f"(SELECT u AS a FROM {B}) UNION ALL (SELECT k FROM {C} UNION SELECT 'x')", "b.u c.k"),
    (
        f"WITH t AS (SELECT u AS x, n FROM {B} UNION ALL BY NAME SELECT 1 AS n, address AS x FROM {B}) "
        "SELECT x AS a FROM t",
        "b.Address b.u",
    ),
    (f"SELECT u AS a FROM {B} INTERSECT SELECT k FROM {C}", "b.u c.k"),
    (f"SELECT u AS a FROM {B} EXCEPT SELECT k FROM {C}", "b.u"),
    (
        f"WITH RECURSIVE r AS (SELECT u AS x, 'c' AS y FROM {B} "
        f"UNION ALL SELECT r.y, c.address FROM r INNER JOIN {C} AS c ON r.x = c.k) SELECT x AS a FROM r",
        "b.u c.address",
    ),
    # what does not travel to other engines is followed all the same
    (f"SELECT {{'x': address}} AS a FROM {B}", "b.Address"),
    (f"SELECT unnest([address]) AS a FROM {B}", "b.Address"),
    (f"SELECT t.x AS a FROM {B} AS o, unnest([o.address]) AS t(x)", "b.Address"),
    (f"SELECT t.x AS a FROM {B} AS o, (VALUES (o.address)) AS t(x)", "b.Address"),
    (f"SELECT l.z AS a FROM {B} AS o CROSS JOIN LATERAL (SELECT o.address AS z) AS l", "b.Address"),
    (f"SELECT list_transform(['x'], y -> y || address) AS a FROM {B}", "b.Address"),
    (f"SELECT [x FOR x IN [address]] AS a FROM {B}", "b.Address"),
    (f"SELECT b.address[1:2] AS a FROM {B} AS b", "b.Address"),
    # where it cannot be told, everything counts
    (f"SELECT max(COLUMNS('addr.*')) AS a FROM {B}", ALL_OF_B),
    (f"SELECT #1 AS a FROM {B}", ALL_OF_B),
    (f"SELECT b.v AS a FROM {B} AS b UNPIVOT (v FOR k IN (address))", ALL_OF_B),
]


@pytest.mark.parametrize(("sql", "origins"), ORIGINS, ids=[sql for sql, _ in ORIGINS])
def test_origins(sql: str, origins: str) -> None:
    assert [told(column) for column in compiled(sql).origins] == [origins]


DECIDING = [
    (f"SELECT 1 AS a FROM {B}", ""),
    (f"SELECT 1 AS a FROM {B} WHERE address = 'x' AND n > 1", "b.Address b.n"),
    (f"SELECT 1 AS a FROM {B} WHERE pseudonymize(u) = 'x'", "b.u#"),
    (f"SELECT count(*) AS a FROM {B} GROUP BY u HAVING max(n) > 1", "b.n b.u"),
    (f"SELECT count(*) AS a FROM {B} AS b INNER JOIN {C} AS c ON b.u = c.k", "b.u c.k"),
    (f"SELECT count(*) AS a FROM {B} INNER JOIN {C} USING (address)", "b.Address c.address"),
    (f"SELECT count(*) AS a FROM {B} AS b SEMI JOIN {C} AS c ON b.u = c.k", "b.u c.k"),
    (f"SELECT count(*) AS a FROM ({B} AS b INNER JOIN {C} AS c ON b.u = c.k)", "b.u c.k"),
    (f"SELECT count(*) AS a FROM {B} AS o WHERE EXISTS (SELECT 1 FROM {C} AS i WHERE i.k = o.u)", "b.u c.k"),
    (f"SELECT count(*) AS a FROM {B} AS o WHERE o.u IN (SELECT address FROM {C})", "b.u c.address"),
    (f"SELECT 1 AS a FROM {B} QUALIFY row_number() OVER (PARTITION BY u ORDER BY ts) = 1", "b.ts b.u"),
    (f"SELECT DISTINCT ON (u) n AS a FROM {B}", "b.u"),
    (f"SELECT 1 AS a FROM {B} ORDER BY ts", ""),
    (f"SELECT 1 AS a FROM {B} ORDER BY ts LIMIT 1", "b.ts"),
    (f"SELECT upper(u) AS a FROM {B} ORDER BY a LIMIT 1", "b.u"),
    (f"SELECT u AS a FROM {B} UNION SELECT k FROM {C} ORDER BY a LIMIT 1", "b.u c.k"),
    (f"SELECT u AS a FROM {B} EXCEPT SELECT k FROM {C}", "c.k"),
    (f"WITH t AS (SELECT u FROM {B} WHERE n > 1) SELECT count(*) AS a FROM t WHERE u = 'x'", "b.n b.u"),
]


@pytest.mark.parametrize(("sql", "deciding"), DECIDING, ids=[sql for sql, _ in DECIDING])
def test_deciding_columns(sql: str, deciding: str) -> None:
    assert told(compiled(sql).deciding) == deciding


def test_every_output_has_its_origins_in_order() -> None:
    found = compiled(f"SELECT *, u || n AS both FROM {B}")
    assert [name for name, _ in found.columns] == ["address", "u", "n", "ts", "both"]
    assert [told(column) for column in found.origins] == ["b.Address", "b.u", "b.n", "b.ts", "b.n b.u"]


def test_union_by_name_has_the_columns_of_both() -> None:
    found = compiled(f"SELECT u FROM {B} UNION ALL BY NAME SELECT address FROM {C}")
    assert [told(column) for column in found.origins] == ["b.u", "c.address"]


def test_long_chains() -> None:
    """Generated models unite hundreds of arms and add up hundreds of terms."""
    arms = " UNION ALL ".join([f"SELECT u AS a FROM {B}"] * 300)
    assert [told(column) for column in compiled(arms).origins] == ["b.u"]
    terms = " + ".join(["n"] * 300)
    assert [told(column) for column in compiled(f"SELECT {terms} AS a FROM {B}").origins] == ["b.n"]


def test_entries_of_a_cache_written_before_are_read() -> None:
    old = '{"parts": ["SELECT 1"], "columns": [["a", "INTEGER"]], "relations": [], "findings": []}'
    assert CompiledSelect.from_json(old) == CompiledSelect(("SELECT 1",), (("a", "INTEGER"),), ())
