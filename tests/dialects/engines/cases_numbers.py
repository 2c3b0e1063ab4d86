"""Numbers: literals, decimals, casts, division, comparisons, choices, aggregates, statistics."""

from __future__ import annotations

EXPRESSIONS = """
    0.1 + 0.2 = 0.3 | 1.5 | -2.5 | 3000000000 | 1e3 | TRUE | i + 1 | i - n | n * 2 | -n | -x | n + n | n - 2147483
    i * 0.1 | amount + price | amount - 0.000001 | amount * price | amount * amount | price * 3 | price * 1.5
    2 * price | amount * x | amount + 1 | amount + i | i * amount | h + 1 | h - i | h * 0 | n * x | amount > 0.1
    amount = 2.675 | amount >= price | price = i | x > amount | x = 2.5 | i = 2.0 | n < x | h > i | price <> 2.68
    CAST(amount AS DOUBLE) / nullif(CAST(i AS DOUBLE), 0) | x / nullif(y, 0) | x / 3 | 7 / 2 | 1 / 3.0 | i // 3
    n // 2 | -7 // 2 | -7 % 3 | n % 5 | i % 7 | mod(n, 4) | x / nullif(n, 0) | CAST(i AS DOUBLE) / 7.0
    CAST(amount AS DECIMAL(18,2)) | CAST(price AS DECIMAL(9,1)) | CAST(2.675 AS DECIMAL(4,2))
    CAST('1.239' AS DECIMAL(5,2)) | CAST(i AS DECIMAL(38,4)) | CAST(amount AS DECIMAL(38,10))
    CAST(amount AS DECIMAL(18,0)) | CAST(-amount AS DECIMAL(18,1)) | CAST(floor(x) AS BIGINT)
    CAST(ceil(x) AS INTEGER) | floor(x) | ceil(x) | floor(amount) | ceil(price) | floor(n)
    CAST(floor(amount) AS BIGINT) | CAST(flag AS INTEGER) | CAST(n AS BOOLEAN) | CAST(i AS VARCHAR)
    CAST(h AS VARCHAR) | CAST(flag AS VARCHAR) | CAST(x > 1 AS VARCHAR) | CAST(x > 1 AS INTEGER) | CAST(n AS DOUBLE)
    CAST(price AS DOUBLE) | CAST(flag AS DOUBLE) | try_cast(kind AS DOUBLE) | try_cast(n AS SMALLINT)
    try_cast(i AS INTEGER) | try_cast(amount AS DECIMAL(9,6)) | abs(n) | abs(amount) | abs(x) | sign(x) | sign(n)
    sign(amount) | sqrt(abs(x)) | exp(price / 1000000.0) | ln(abs(i)) | log10(abs(i)) | log2(abs(i)) | pow(2, n % 5)
    pow(x, 2) | pow(price, 0.5) | x ** 2 | sign(x) * floor(abs(x) * 100 + 0.5) / 100 | n BETWEEN -7 AND 3
    x BETWEEN 0 AND amount | i BETWEEN 1.5 AND 3 | n NOT BETWEEN 0 AND 5 | n IN (1, -7) | n NOT IN (1, -7)
    kind IN ('a', '') | x IN (0.5, 2.5) | price IN (2.68, 1.25) | i IN (n, 2) | n NOT IN (i, 5)
    amount IN (2.675, 10.5) | flag = TRUE | NOT flag | flag AND x > 0 | flag OR x > 0 | flag AND NULL | x > 1 AND NULL
    NOT (x > 0 AND flag) | kind = NULL | n IS NULL | n IS NOT NULL | NOT n IS NULL | x IS DISTINCT FROM 0.5
    n IS NOT DISTINCT FROM NULL | flag IS NOT DISTINCT FROM TRUE | coalesce(n, 0) | coalesce(n, 0.5) | coalesce(n, x)
    coalesce(amount, 0) | coalesce(x, amount, 1) | coalesce(price, n, -1) | coalesce(flag, FALSE)
    coalesce(NULL, kind, 'none') | coalesce(flag, x > 1) | nullif(n, 0) | nullif(x, 0.5) | nullif(amount, 2.675)
    nullif(0.5, CAST(0.500001 AS DECIMAL(18, 6))) | nullif(0.5, CAST(0.500000 AS DECIMAL(18, 6))) | nullif(2, 2.4)
    nullif(i, 2.0) | nullif(price, amount) | nullif(amount, x) | nullif(i, x) | nullif(x, i) | nullif(n, NULL)
    nullif(kind, '') | nullif(i, 2) | nullif(price, 0) | greatest(n, 0) | least(n, x) | greatest(n, i, NULL)
    greatest(amount, price) | least(kind, 'b') | greatest(x, 1.5) | least(h, n) | CASE WHEN x > 0 THEN 1 ELSE 0.5 END
    CASE WHEN x > 0 THEN n END | CASE WHEN flag THEN i ELSE x END
    CASE kind WHEN 'a' THEN 1 WHEN NULL THEN 2 ELSE 3 END | CASE n WHEN 1.0 THEN 'one' ELSE 'other' END
    CASE WHEN flag THEN amount ELSE 0 END | CASE WHEN NULL THEN 1 ELSE 2 END
    CASE WHEN x > 1 THEN x > 2 ELSE flag END | if(flag, n, x) | if(x > 0, 'p', NULL)
    CASE WHEN flag THEN 'a' WHEN x > 0 THEN kind END | (n + 1) * 2 | -(-n) | - (x - y) | 10 - (n - 1)
    sum(amount) OVER () | 2 * (x + y) / 4.0 | i - (n - n % 2) | 9223372036854775807 | -9223372036854775808
    99999999999999999999 | 0.00000001 * 1 | 123456789012345678.123456789 | 1.10 | 1e-3 | .5 | 5. | 1_000
"""
AGGREGATES = """
    count(*) | count(n) | count(DISTINCT kind) | count(DISTINCT n) | sum(n) | sum(i) | sum(amount) | sum(price)
    sum(x) | sum(CASE WHEN flag THEN 1 ELSE 0 END) | sum(DISTINCT n) | sum(i * 2) | avg(n) | avg(amount) | avg(x)
    avg(price) | min(x) | max(amount) | min(kind) | max(flag) | min(n) | max(i) | bool_or(flag) | bool_and(x > 0)
    bool_or(x > 1e12) | any_value(kind) FILTER (WHERE kind = 'a') | arg_max(kind, i) | arg_min(n, i) | arg_max(n, i)
    arg_max(amount, x) | count(*) FILTER (WHERE x > 0) | sum(n) FILTER (WHERE flag)
    max(kind) FILTER (WHERE x > 1e12) | count(DISTINCT kind) FILTER (WHERE i > 2) | count(*) - count(n)
    coalesce(sum(n), 0) | coalesce(count(n), -1) | greatest(count(*), -1) | sum(x) / nullif(count(*), 0)
    CAST(sum(n) AS DOUBLE) / nullif(CAST(count(n) AS DOUBLE), 0) | median(x) | median(n) | quantile_cont(x, 0.25)
    quantile_cont(n, 0.9) | quantile_cont(CAST(amount AS DOUBLE), 0.1)
    percentile_cont(0.25) WITHIN GROUP (ORDER BY x) | percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC)
    quantile_cont(x, 0.5) FILTER (WHERE x > 0) | CASE WHEN count(x) > 1 THEN stddev_samp(x) END
    CASE WHEN count(x) > 1 THEN var_samp(x) END | CASE WHEN count(n) > 0 THEN stddev_pop(n) END
    CASE WHEN count(n) > 0 THEN var_pop(CAST(amount AS DOUBLE)) END
    CASE WHEN min(x) < max(x) AND min(y) < max(y) THEN corr(x, y) END
    CASE WHEN min(x) < max(x) AND min(y) < max(y) THEN covar_samp(x, y) END
    CASE WHEN min(x) < max(x) AND min(y) < max(y) THEN covar_pop(x, y) END
    CASE WHEN min(x) < max(x) AND min(y) < max(y) THEN regr_slope(y, x) END
    CASE WHEN min(x) < max(x) AND min(y) < max(y) THEN regr_intercept(y, x) END
    CASE WHEN min(x) < max(x) AND min(y) < max(y) THEN regr_r2(y, x) END | string_agg(kind, ',' ORDER BY i)
    string_agg(DISTINCT kind, '|' ORDER BY kind) | string_agg(kind, '' ORDER BY i DESC)
    string_agg(kind, ', ' ORDER BY n, i) | string_agg(kind, ',' ORDER BY x DESC, i DESC)
    string_agg(CAST(n AS VARCHAR), ';' ORDER BY i) | string_agg(kind, ',' ORDER BY i) FILTER (WHERE x > 1)
    string_agg(kind, ',' ORDER BY n NULLS FIRST, i) | string_agg(kind, ',' ORDER BY n DESC NULLS FIRST, i DESC)
"""


def _split(lines: str) -> list[str]:
    return [expression.strip() for line in lines.strip().splitlines() for expression in line.split(" | ")]


NUMBERS = {
    **{text: f"SELECT i, {text} AS v FROM measure_ref.numbers" for text in _split(EXPRESSIONS)},
    **{f"{text} of all": f"SELECT {text} AS v FROM measure_ref.numbers WHERE i < 6" for text in _split(AGGREGATES)},
    **{
        f"{text} by kind": f"SELECT kind, {text} AS v FROM measure_ref.numbers WHERE i < 6 GROUP BY kind"
        for text in _split(AGGREGATES)
    },
    **{
        f"{text} of none": f"SELECT {text} AS v FROM measure_ref.nothing"
        for text in (
            "count(*)", "count(i)", "count(DISTINCT s)", "sum(i)", "sum(x)", "sum(amount)", "avg(x)", "min(s)",
            "max(i)",
            "bool_or(flag)", "bool_and(x > 0)", "median(x)", "string_agg(s, ',' ORDER BY i)", "arg_max(s, i)",
            "count(*) FILTER (WHERE x > 0)", "sum(1)", "max(1)", "any_value(s)", "count(*) = 0", "coalesce(sum(x), 0)",
            "CASE WHEN count(x) > 1 THEN stddev_samp(x) END",
        )
    },
}  # fmt: skip
