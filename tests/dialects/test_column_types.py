"""Types told without a database are those that DuckDB reports, or UNKNOWN."""

from __future__ import annotations

import duckdb
import pytest

from measure_cli.dialects.column_types import parse_type, type_text
from measure_cli.dialects.compile import compile_select

COLUMNS = {
    "i": "INTEGER", "b": "BIGINT", "h": "HUGEINT", "s": "SMALLINT", "d": "DECIMAL(18,6)", "e": "DECIMAL(38,6)",
    "n": "DECIMAL(5,2)", "f": "DOUBLE", "r": "FLOAT", "day": "DATE", "ts": "TIMESTAMP", "v": "VARCHAR", "o": "BOOLEAN",
}  # fmt: skip
TOLD = """
    1 | 1.5 | 0.0 | 0.25 | 10.00 | 1e3 | 3000000000 | 99999999999999999999 | 'a' | TRUE | -1 | -2.5
    DATE '2024-01-01' | i+1 | i+b | b+h | i*f | i/2 | d/2 | d/d | i//2 | b%2 | d+d | d-n | d*d | d+1 | d*2 | d*1.5
    n+n | n*n | n*d | b*d | f*1.5 | i*1.5 | e+d | -d | -i | b+1.5 | 1000*n | 0.5*f | coalesce(i,0) | coalesce(b,0)
    coalesce(d,0) | coalesce(n,0) | coalesce(f,0) | coalesce(f,0.0) | coalesce(i,0.0) | coalesce(day,'2020-01-01')
    coalesce(v,'x') | coalesce(NULL,f) | nullif(i,0) | nullif(f,0) | nullif(v,'') | CASE WHEN o THEN 1 ELSE 2.5 END
    CASE WHEN o THEN 1 END | CASE WHEN o THEN d ELSE 0 END | CASE WHEN o THEN f ELSE 0.0 END | if(o,i,b)
    greatest(i,b) | least(day,ts) | abs(i) | abs(d) | abs(f) | sign(f) | floor(i) | floor(d) | ceil(f) | round(f,2)
    sqrt(i) | ln(i) | log10(i) | exp(f) | pow(i,2) | i**2 | day + INTERVAL 1 DAY | ts - INTERVAL 1 DAY | day - day
    ts - ts | day + 1 | INTERVAL 1 DAY | date_trunc('week',day) | CAST(date_trunc('week',ts) AS DATE)
    date_diff('day',day,day) | extract(year FROM day) | year(day) | last_day(day) | length(v) | lower(v) | trim(v)
    substr(v,1,2) | v||'x' | concat(v,i) | replace(v,'a','b') | left(v,2) | md5(v) | sha256(v)
    regexp_replace(v,'a','b','g') | regexp_extract(v,'a') | regexp_matches(v,'a') | starts_with(v,'a') | v LIKE 'a'
    i BETWEEN 1 AND 2 | i IN (1,2) | i IS NULL | NOT o | o AND o | i IS NOT DISTINCT FROM b | EXISTS (SELECT 1)
    CAST(v AS DECIMAL(10,2)) | CAST(v AS NUMERIC) | CAST(v AS INT) | CAST(v AS TEXT) | CAST(v AS TIMESTAMP)
    CAST(v AS HUGEINT) | CAST(v AS REAL) | CAST(v AS TIME) | CAST(v AS BLOB) | CAST(v AS UUID)
    CAST(v AS TIMESTAMPTZ) | try_cast(v AS DATE) | sum(i) | sum(b) | sum(d) | sum(e) | sum(n) | sum(f)
    sum(o::INTEGER) | sum(1.5) | avg(d) | avg(i) | avg(day) | count(*) | count(DISTINCT v) | min(day) | max(v)
    any_value(d) | arg_max(v,i) | median(i) | median(d) | median(day) | median(f) | quantile_cont(i,0.5)
    quantile_cont(d,0.5) | percentile_cont(0.5) WITHIN GROUP (ORDER BY f) | stddev_samp(i) | corr(i,f)
    string_agg(v,',') | bool_or(o) | sum(f) FILTER (WHERE o) | sum(d) OVER () | lag(d) OVER (ORDER BY i)
    lag(i,1,0) OVER (ORDER BY i) | row_number() OVER (ORDER BY i) | ntile(4) OVER (ORDER BY i)
    first_value(v) OVER (ORDER BY i) | cume_dist() OVER (ORDER BY i)
"""
EXPRESSIONS = [expression.strip() for line in TOLD.strip().splitlines() for expression in line.split(" | ")]
QUERIES = [
    "SELECT i AS a FROM measure_ref.t UNION ALL SELECT b FROM measure_ref.t",
    "SELECT i AS a FROM measure_ref.t UNION ALL SELECT f FROM measure_ref.t",
    "SELECT d AS a FROM measure_ref.t UNION ALL SELECT n FROM measure_ref.t",
    "SELECT NULL AS a FROM measure_ref.t UNION ALL SELECT d FROM measure_ref.t",
    "SELECT day AS a FROM measure_ref.t UNION ALL SELECT NULL UNION ALL SELECT ts FROM measure_ref.t",
    "WITH u AS (SELECT i AS a FROM measure_ref.t UNION ALL SELECT b FROM measure_ref.t) SELECT a + 1 AS a FROM u",
    "WITH RECURSIVE w AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM w WHERE k < 5) SELECT sum(k) AS s FROM w",
    "WITH RECURSIVE w AS (SELECT day AS k FROM measure_ref.t UNION ALL SELECT CAST(k + INTERVAL 1 DAY AS DATE) FROM w) "
    "SELECT k FROM w",
    "SELECT (SELECT max(d) FROM measure_ref.t) AS m, x.y AS z FROM (SELECT sum(b) AS y FROM measure_ref.t) AS x",
    "SELECT a FROM (VALUES (1, 'x'), (2, NULL)) AS t(a, b)",
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA measure_ref")
    columns = ", ".join(f"{name} {data_type}" for name, data_type in COLUMNS.items())
    connection.execute(f"CREATE TABLE measure_ref.t ({columns})")
    return connection


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_type_of_an_expression(connection: duckdb.DuckDBPyConnection, expression: str) -> None:
    check(connection, f"SELECT {expression} AS x FROM measure_ref.t")


@pytest.mark.parametrize("sql", QUERIES)
def test_types_of_a_query(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    check(connection, sql)


def check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    described = connection.execute(f"DESCRIBE {sql}").fetchall()
    compiled = compile_select(sql, {"measure_ref.t": COLUMNS}, locate=str)
    assert compiled.columns == tuple((row[0], row[1]) for row in described)


@pytest.mark.parametrize("expression", ["NULL", "[1, 2]", "{'a': 1}", "hash(v)", "s + 1", "round(d, 2)", "s * d"])
def test_what_is_not_known_is_not_guessed(expression: str) -> None:
    compiled = compile_select(f"SELECT {expression} AS x FROM measure_ref.t", {"measure_ref.t": COLUMNS}, locate=str)
    assert compiled.columns == (("x", "UNKNOWN"),)


@pytest.mark.parametrize("data_type", [*COLUMNS.values(), "BLOB", "TIME", "UUID", "JSON", "TIMESTAMP WITH TIME ZONE"])
def test_duckdb_types_come_back_as_they_are(data_type: str) -> None:
    assert type_text(parse_type(data_type)) == data_type


def test_an_unknown_type_of_an_input_is_no_error() -> None:
    schema = {"measure_ref.t": {"x": "UNKNOWN", "y": "no such (type"}}
    assert compile_select("SELECT x, y + 1 AS z FROM measure_ref.t", schema, locate=str).columns == (
        ("x", "UNKNOWN"),
        ("z", "UNKNOWN"),
    )
