"""Every repair: the SQL it writes, and that a database which runs that SQL returns what DuckDB returns.

The text is what documents of Snowflake ask for; the emulator would accept much that Snowflake refuses, or reads
differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet

from measure_cli.dialects.pseudonyms import SPACES
from measure_cli.dialects.snowflake_values import DATE_TEXT, STAMP_TEXT
from measure_cli.errors import PlanError
from tests.dialects.test_equivalence import QUERIES
from tests.snowflake.shop import SnowflakeShop, same_rows

# authored expression over orders -> what Snowflake gets. orders: i BIGINT, who and kind VARCHAR, d DATE, ts TIMESTAMP,
# amount DECIMAL(18,6), x DOUBLE.
VALUES = {
    # casts
    "CAST(d AS VARCHAR)": "TO_CHAR(orders.d, 'YYYY-MM-DD')",
    "kind || d": "orders.kind || TO_CHAR(orders.d, 'YYYY-MM-DD')",
    "CAST(i > 2 AS DOUBLE)": "CAST(CAST(orders.i > 2 AS BIGINT) AS DOUBLE)",
    "CAST(i AS HUGEINT)": "CAST(orders.i AS NUMBER(38, 0))",
    "CAST('2024-01-01 00:00:00.5' AS TIMESTAMP)": "CAST('2024-01-01 00:00:00.5' AS TIMESTAMP_NTZ)",
    "TRY_CAST(kind AS DOUBLE)": "TRY_CAST(orders.kind AS DOUBLE)",
    "TRY_CAST(i AS DOUBLE)": "CAST(orders.i AS DOUBLE)",
    "TRY_CAST(d AS TIMESTAMP)": "CAST(orders.d AS TIMESTAMP_NTZ)",
    "TRY_CAST(floor(x) AS BIGINT)": "TRY_CAST(CAST(FLOOR(orders.x) AS VARCHAR) AS BIGINT)",
    "TRY_CAST('on' AS BOOLEAN)": "CASE WHEN LOWER('on') IN ('true', 't', 'yes', 'y', '1') THEN TRUE "
    "WHEN LOWER('on') IN ('false', 'f', 'no', 'n', '0') THEN FALSE END",
    "TRY_CAST(i AS TINYINT)": "IFF(orders.i BETWEEN -128 AND 127, CAST(orders.i AS TINYINT), NULL)",
    "TRY_CAST('2024-02-30' AS DATE)": f"TRY_CAST(REGEXP_SUBSTR('2024-02-30', '{DATE_TEXT}') AS DATE)",
    "TRY_CAST('20240229' AS DATE)": f"TRY_CAST(REGEXP_SUBSTR('20240229', '{DATE_TEXT}') AS DATE)",
    "TRY_CAST('2024-02-29 10:00' AS TIMESTAMP)": f"TRY_CAST(REGEXP_SUBSTR('2024-02-29 10:00', '{STAMP_TEXT}') "
    "AS TIMESTAMP_NTZ)",
    # numbers
    "1.5e3": "CAST('1.5e3' AS DOUBLE)",
    "i / 3": "CAST(orders.i AS DOUBLE) / CAST(3 AS DOUBLE)",
    "amount / nullif(i, 0)": "CAST(orders.amount AS DOUBLE) / CAST(NULLIF(orders.i, 0) AS DOUBLE)",
    "x / 2.0": "orders.x / CAST(2.0 AS DOUBLE)",
    "(i + 5) // 3": "CAST(((orders.i + 5) - MOD((orders.i + 5), 3)) / 3 AS BIGINT)",
    "x // 2": "orders.x / CAST(2 AS DOUBLE)",
    "log(i)": "LOG(10, orders.i)",
    "log10(i)": "LOG(10, orders.i)",
    "log2(i)": "LOG(2, orders.i)",
    "greatest(i, NULL)": "GREATEST_IGNORE_NULLS(orders.i, NULL)",
    "least(x, i)": "LEAST_IGNORE_NULLS(orders.x, orders.i)",
    "coalesce(who)": "orders.who",
    "(i > 2) IS TRUE": "COALESCE((orders.i > 2), FALSE)",
    "(x > 2) IS NOT FALSE": "NOT COALESCE(NOT (orders.x > 2), FALSE)",
    # text
    "concat(who, i, d)": "CONCAT(COALESCE(orders.who, ''), COALESCE(CAST(orders.i AS VARCHAR), ''), "
    "COALESCE(TO_CHAR(orders.d, 'YYYY-MM-DD'), ''))",
    "trim(kind)": f"TRIM(orders.kind, '{SPACES}')",
    "trim(kind, 'Eil')": "TRIM(orders.kind, 'Eil')",
    "substr(kind, 0, 3)": "SUBSTRING(orders.kind, 1, 2)",
    "left(kind, -2)": "LEFT(orders.kind, GREATEST(LENGTH(orders.kind) - 2, 0))",
    "right(kind, -9)": "RIGHT(orders.kind, GREATEST(LENGTH(orders.kind) - 9, 0))",
    r"regexp_matches(kind, 'm\w')": r"REGEXP_INSTR(orders.kind, 'm\\w') > 0",
    "regexp_matches(kind, 'EMAIL', 'i')": "REGEXP_INSTR(orders.kind, 'EMAIL', 1, 1, 0, 'i') > 0",
    r"regexp_replace(kind, '([a-m])', '<\1>', 'g')": r"REGEXP_REPLACE(orders.kind, '([a-m])', '<\\1>')",
    "nullif(regexp_extract(kind, 'm(a)', 1), '')": "NULLIF(REGEXP_SUBSTR(orders.kind, 'm(a)', 1, 1, 'c', 1), '')",
    r"kind LIKE 'E\_%' ESCAPE '\'": r"orders.kind LIKE 'E\\_%' ESCAPE '\\'",
    r"'back\slash'": r"'back\\slash'",
    # dates
    "CAST(d + INTERVAL 7 DAY AS DATE)": "CAST(DATEADD(DAY, 7, orders.d) AS DATE)",
    "CAST(d - INTERVAL 1 MONTH AS DATE)": "CAST(DATEADD(MONTH, -1, orders.d) AS DATE)",
    "CAST(d + INTERVAL (i + 1) DAY AS DATE)": "CAST(DATEADD(DAY, orders.i + 1, orders.d) AS DATE)",
    "CAST(d - i * INTERVAL 7 DAY AS DATE)": "CAST(DATEADD(DAY, -(orders.i * 7), orders.d) AS DATE)",
    "d + INTERVAL 1 DAY": "DATEADD(DAY, 1, CAST(orders.d AS TIMESTAMP_NTZ))",
    "INTERVAL 90 MINUTE + ts": "DATEADD(MINUTE, 90, orders.ts)",
    "CAST(d + INTERVAL 12 HOUR AS DATE)": "CAST(DATEADD(HOUR, 12, CAST(orders.d AS TIMESTAMP_NTZ)) AS DATE)",
    "CAST(date_trunc('week', d) AS DATE)": "CAST(DATEADD(DAY, 1 - DAYOFWEEKISO(orders.d), "
    "DATE_TRUNC('DAY', orders.d)) AS DATE)",
    "date_trunc('month', d)": "DATE_TRUNC('MONTH', CAST(orders.d AS TIMESTAMP_NTZ))",
    "date_trunc('hour', ts)": "DATE_TRUNC('HOUR', orders.ts)",
    "extract(isodow FROM d)": "DAYOFWEEKISO(orders.d)",
    "extract(dow FROM d)": "MOD(DAYOFWEEKISO(orders.d), 7)",
    "extract(week FROM d)": "WEEKISO(orders.d)",
    "extract(hour FROM d)": "HOUR(CAST(orders.d AS TIMESTAMP_NTZ))",
    "extract(doy FROM ts)": "DAYOFYEAR(orders.ts)",
    "extract(epoch FROM ts)": "CAST(DATEDIFF(MICROSECOND, CAST('1970-01-01' AS TIMESTAMP_NTZ), orders.ts) AS DOUBLE) "
    "/ CAST(1000000 AS DOUBLE)",
    "minute(ts)": "MINUTE(orders.ts)",
    "hour(d)": "HOUR(CAST(orders.d AS TIMESTAMP_NTZ))",
}
AGGREGATES = {
    "count(*) FILTER (WHERE i > 2)": "COUNT(IFF(orders.i > 2, 1, NULL))",
    "sum(x) FILTER (WHERE i > 2)": "SUM(IFF(orders.i > 2, orders.x, NULL))",
    "count(DISTINCT kind) FILTER (WHERE i < 5)": "COUNT(DISTINCT IFF(orders.i < 5, orders.kind, NULL))",
    "median(x) FILTER (WHERE i > 1)": "MEDIAN(IFF(orders.i > 1, orders.x, NULL))",
    "arg_max(kind, i)": "MAX_BY(orders.kind, IFF(NOT orders.kind IS NULL, orders.i, NULL))",
    "arg_min(kind, i) FILTER (WHERE x < 1)": "MIN_BY(orders.kind, IFF(NOT orders.kind IS NULL, "
    "IFF(orders.x < 1, orders.i, NULL), NULL))",
    "any_value(who)": "MIN(orders.who)",
    "any_value(x > 0) FILTER (WHERE i = 1)": "BOOLAND_AGG(IFF(orders.i = 1, orders.x > 0, NULL))",
    "max(x > 0)": "BOOLOR_AGG(orders.x > 0)",
    "min(x > 0)": "BOOLAND_AGG(orders.x > 0)",
    "sum(x > 0)": "SUM(CAST(orders.x > 0 AS BIGINT))",
    "avg(amount)": "AVG(CAST(orders.amount AS DOUBLE))",
    "avg(DISTINCT i)": "AVG(DISTINCT CAST(orders.i AS DOUBLE))",
    "stddev(amount)": "STDDEV(CAST(orders.amount AS DOUBLE))",
    "corr(i, x)": "CORR(CAST(orders.i AS DOUBLE), orders.x)",
    "median(i)": "MEDIAN(CAST(orders.i AS DOUBLE))",
    "quantile_cont(i, 0.25)": "PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY CAST(orders.i AS DOUBLE))",
    "percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC)": "PERCENTILE_CONT(0.25) WITHIN GROUP "
    "(ORDER BY orders.x DESC)",
    "string_agg(who, '|' ORDER BY i DESC)": "CASE WHEN COUNT(orders.who) > 0 THEN LISTAGG(orders.who, '|') "
    "WITHIN GROUP (ORDER BY orders.i DESC NULLS LAST) END",
    "string_agg(DISTINCT who ORDER BY who)": "CASE WHEN COUNT(orders.who) > 0 THEN LISTAGG(DISTINCT orders.who, ',') "
    "WITHIN GROUP (ORDER BY orders.who) END",
    "string_agg(who, ',' ORDER BY i) FILTER (WHERE i > 100)": "CASE WHEN COUNT(IFF(orders.i > 100, orders.who, NULL)) "
    "> 0 THEN LISTAGG(IFF(orders.i > 100, orders.who, NULL), ',') WITHIN GROUP (ORDER BY orders.i) END",
}
WHOLE = {
    "recursive columns": (
        """WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM n WHERE k < 5) SELECT k AS k FROM n""",
        "WITH RECURSIVE n(k) AS (",
    ),
    "materialized": (
        "WITH a AS MATERIALIZED (SELECT i AS i FROM measure_ref.orders) SELECT i AS i FROM a",
        "WITH a AS (",
    ),
    "values of constants": (
        "SELECT a AS a FROM (VALUES (1, -2.5), (2, NULL)) AS t(a, b)",
        "(VALUES (1, -2.5), (2, NULL))",
    ),
    "values of expressions": (
        "SELECT a AS a FROM (VALUES (DATE '2024-01-01'), (DATE '2024-01-02')) AS t(a)",
        "(SELECT CAST('2024-01-01' AS DATE) AS a UNION ALL SELECT CAST('2024-01-02' AS DATE)) AS t",
    ),
    "reserved names": (
        'SELECT i AS "order", who AS "Größe" FROM measure_ref.orders',
        'AS "ORDER", orders.who AS "GRößE"',
    ),
    "nulls last": (
        "SELECT i AS i, row_number() OVER (ORDER BY x DESC, i) AS n FROM measure_ref.orders",
        "ORDER BY orders.x DESC NULLS LAST, orders.i",
    ),
    "named windows": (
        "SELECT sum(i) OVER w AS s FROM measure_ref.orders WINDOW w AS (PARTITION BY who ORDER BY i)",
        "SUM(orders.i) OVER (PARTITION BY orders.who ORDER BY orders.i)",
    ),
    "frames spelled out": (
        "SELECT sum(i) OVER (ORDER BY i ROWS 1 PRECEDING) AS s FROM measure_ref.orders",
        "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
    ),
    "utc stays": ("SELECT CAST(ts AT TIME ZONE 'UTC' AS DATE) AS d FROM measure_ref.orders", "CAST(orders.ts AS DATE)"),
}
# Where the emulator is at fault: what it does wrong.
FAULTS = {
    "trim(kind, 'Eil')": "removes the text 'Eil', not each of its letters",
    "avg(DISTINCT i)": "writes AVG(TRY_CAST(DISTINCT ... AS DOUBLE)), which is no SQL",
    "numbers": "cannot describe SIGN(), which it takes for a TINYINT",
    "union of ordered branches": "cannot describe a union in which a branch has an order of its own",
}
REFUSED = {
    "ts + INTERVAL '1 month 2 days'": "the interval",
    "INTERVAL 1 DAY": "an interval that is not added to a date",
    "date_trunc('decade', ts)": "date_trunc('decade', ...)",
    "extract(millisecond FROM ts)": "extract(millisecond FROM ...)",
    "arg_max(who, i) OVER (PARTITION BY kind)": "arg_max() or arg_min() OVER a window",
    "string_agg(who, ',') OVER (PARTITION BY kind)": "string_agg() OVER a window",
    "regexp_matches(who, 'a', 'l')": "options of a regular expression",
}
REFUSED_QUERIES = {
    "SELECT i AS i FROM measure_ref.orders EXCEPT ALL SELECT age FROM measure_ref.people": "EXCEPT ALL",
    "SELECT i AS i FROM measure_ref.orders INTERSECT ALL SELECT age FROM measure_ref.people": "INTERSECT ALL",
    "WITH RECURSIVE n(k) AS (SELECT 1 UNION SELECT k + 1 FROM n WHERE k < 5) SELECT k AS k FROM n": "UNION",
}


def authored(expression: str) -> str:
    return f"SELECT {expression} AS value FROM measure_ref.orders"


def flat(sql: str) -> str:
    """A text without the layout that pretty printing gives it."""
    return " ".join(re.split(r"[ \n]+", sql)).replace("( ", "(").replace(" )", ")").upper()


def as_far_as_emulated(names: Iterable[str]) -> list[ParameterSet]:
    return [
        pytest.param(name, marks=[pytest.mark.xfail(reason=f"the emulator {FAULTS[name]}")] if name in FAULTS else [])
        for name in names
    ]


@pytest.mark.parametrize("expression", [*VALUES, *AGGREGATES])
def test_repair_writes(shop: SnowflakeShop, expression: str) -> None:
    written = {**VALUES, **AGGREGATES}[expression]
    assert f"SELECT {written} AS VALUE FROM".upper() in flat(shop.text(authored(expression)))


@pytest.mark.parametrize("expression", as_far_as_emulated([*VALUES, *AGGREGATES]))
def test_repair_returns_what_duckdb_returns(shop: SnowflakeShop, expression: str) -> None:
    assert same_rows(shop.run(authored(expression)), shop.shop.run(authored(expression)))


@pytest.mark.parametrize("name", WHOLE)
def test_repaired_query(shop: SnowflakeShop, name: str) -> None:
    sql, written = WHOLE[name]
    assert flat(written) in flat(shop.text(sql))
    assert same_rows(shop.run(sql), shop.shop.run(sql))


@pytest.mark.parametrize("name", as_far_as_emulated(QUERIES))
def test_query_returns_what_duckdb_returns(shop: SnowflakeShop, name: str) -> None:
    assert same_rows(shop.run(QUERIES[name]), shop.shop.run(QUERIES[name]))


@pytest.mark.parametrize("sql", [*map(authored, REFUSED), *REFUSED_QUERIES])
def test_refusal_names_place_and_construct(shop: SnowflakeShop, sql: str) -> None:
    found = {**{authored(expression): what for expression, what in REFUSED.items()}, **REFUSED_QUERIES}[sql]
    with pytest.raises(PlanError) as refused:
        shop.text(sql)
    assert refused.value.message.startswith("model.sql:1: found ")
    assert found in refused.value.message
    assert refused.value.message.endswith("which Snowflake has no equal for")
    assert refused.value.hint
