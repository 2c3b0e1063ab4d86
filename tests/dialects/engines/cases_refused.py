"""What engines would answer differently, with the rule that says so."""

from __future__ import annotations

N, T, M, E = "measure_ref.numbers", "measure_ref.texts", "measure_ref.moments", "measure_ref.events"

REFUSED: dict[str, list[str]] = {
    "guarded-division": [f"SELECT x / y AS v FROM {N}", f"SELECT i // n AS v FROM {N}", f"SELECT i % n AS v FROM {N}"],
    "division-on-double": [f"SELECT amount / nullif(price, 0) AS v FROM {N}", f"SELECT i / nullif(n, 0) AS v FROM {N}"],
    "no-cast-float-to-int": [
        f"SELECT CAST(x AS BIGINT) AS v FROM {N}",
        f"SELECT CAST(amount AS INTEGER) AS v FROM {N}",
    ],
    "no-double-to-decimal": [f"SELECT CAST(x AS DECIMAL(18,2)) AS v FROM {N}"],
    "no-round": [f"SELECT round(x, 2) AS v FROM {N}"],
    "no-log": [f"SELECT log(x) AS v FROM {N}"],
    "no-nan": ["SELECT CAST('nan' AS DOUBLE) AS v"],
    "quantile-on-double": [f"SELECT median(amount) AS v FROM {N}", f"SELECT median(d) AS v FROM {M}"],
    "no-number-to-text": [f"SELECT CAST(x AS VARCHAR) AS v FROM {N}", f"SELECT 'a' || amount AS v FROM {N}"],
    "text-cast": [
        f"SELECT CAST(s AS DOUBLE) AS v FROM {T}",
        f"SELECT s::DATE AS v FROM {T}",
        f"SELECT s::BOOLEAN AS v FROM {T}",
    ],
    "no-try-cast-to-int": [f"SELECT try_cast(s AS BIGINT) AS v FROM {T}"],
    "guarded-date-cast": [
        f"SELECT try_cast(s AS DATE) AS v FROM {T}",
        f"SELECT CASE WHEN s <> '' THEN try_cast(s AS DATE) END AS v FROM {T}",
        f"SELECT CASE WHEN s LIKE '____-__-__' THEN try_cast(s AS TIMESTAMP) END AS v FROM {T}",
    ],
    "no-concat-ws": [f"SELECT concat_ws(',', s, t) AS v FROM {T}"],
    "regexp-replace-all": [f"SELECT regexp_replace(s, 'a', 'b') AS v FROM {T}"],
    "regexp-extract-null": [f"SELECT regexp_extract(s, 'a') AS v FROM {T}"],
    "no-is-true": [f"SELECT flag IS TRUE AS v FROM {N}"],
    "no-date-subtraction": [f"SELECT d - e AS v FROM {M}", f"SELECT ts - until AS v FROM {M}"],
    "no-date-plus-number": [f"SELECT d + 1 AS v FROM {M}"],
    "date-interval-cast": [f"SELECT d + INTERVAL 1 DAY AS v FROM {M}"],
    "week-as-date": [f"SELECT date_trunc('week', ts) AS v FROM {M}"],
    "date-diff-unit": [f"SELECT date_diff('week', d, e) AS v FROM {M}"],
    "no-time-zones": [f"SELECT ts AT TIME ZONE 'Asia/Tokyo' AS v FROM {M}"],
    "no-strftime": [f"SELECT strftime(ts, '%M') AS v FROM {M}"],
    "no-current-time": [f"SELECT current_date AS v FROM {M}"],
    "no-engine-functions": [f"SELECT epoch(ts) AS v FROM {M}", f"SELECT reverse(s) AS v FROM {T}"],
    "no-not-in-subquery": [f"SELECT i FROM {N} WHERE kind NOT IN (SELECT who FROM {E})"],
    "no-null-in-list": [f"SELECT i FROM {N} WHERE kind IN ('a', NULL)"],
    "no-correlated-count": [f"SELECT (SELECT count(*) FROM {E} AS e WHERE e.i = n.i) AS v FROM {N} AS n"],
    "explicit-frame": [f"SELECT last_value(x) OVER (ORDER BY i) AS v FROM {E}"],
    "no-ignore-nulls": [f"SELECT lag(x IGNORE NULLS) OVER (ORDER BY i) AS v FROM {E}"],
    "no-range-interval-frame": [
        f"SELECT count(*) OVER (ORDER BY ts RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) AS v FROM {M}"
    ],
    "ordered-string-agg": [f"SELECT string_agg(s, ',') AS v FROM {T}"],
    "limit-needs-order": [f"SELECT i FROM {E} LIMIT 1"],
    "in-decides-rows": [
        f"SELECT i, kind IN (SELECT who FROM {E}) AS v FROM {N}",
        f"SELECT i, (i, kind) IN ((1, 'a')) AS v FROM {N}",
        f"SELECT i FROM {N} WHERE NOT coalesce((i, kind) IN ((1, 'a')), TRUE)",
    ],
    "no-except-all": [
        f"SELECT label FROM {E} EXCEPT ALL SELECT who FROM {E}",
        f"SELECT i FROM {E} INTERSECT ALL SELECT 1",
    ],
    "no-quantified-comparison": [f"SELECT i FROM {N} WHERE x > ALL (SELECT x FROM {E})"],
    "portable-frame": [
        f"SELECT sum(x) OVER (ORDER BY pos GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS v FROM {E}",
        f"SELECT sum(x) OVER (ORDER BY pos RANGE BETWEEN UNBOUNDED PRECEDING AND 5 PRECEDING) AS v FROM {E}",
        f"SELECT sum(x) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) AS v FROM {E}",
    ],
    "portable-date-parts": [
        f"SELECT extract(epoch FROM ts) AS v FROM {M}",
        f"SELECT extract(century FROM d) AS v FROM {M}",
    ],
    "plain-interval": [
        f"SELECT ts + INTERVAL '1 day 2 hours' AS v FROM {M}",
        f"SELECT ts + INTERVAL 1.5 DAY AS v FROM {M}",
    ],
    "portable-patterns": [
        f"SELECT s ILIKE 'A%' AS v FROM {T}",
        f"SELECT s LIKE '!_' ESCAPE '!' AS v FROM {T}",
        f"SELECT s ~ 'a.*' AS v FROM {T}",
        f"SELECT s SIMILAR TO 'a.*' AS v FROM {T}",
    ],
    "portable-regexp-options": [f"SELECT regexp_matches(s, 'a', 'm') AS v FROM {T}"],
    "regexp-replace-something": [f"SELECT regexp_replace(s, 'x*', '-', 'g') AS v FROM {T}"],
    "plain-trim": [f"SELECT trim(s, 'é') AS v FROM {T}", f"SELECT trim(s, t) AS v FROM {T}"],
    "whole-division": [f"SELECT x % 2 AS v FROM {N}", f"SELECT amount // 2 AS v FROM {N}"],
    "no-bits": [f"SELECT i & 1 AS v FROM {N}", f"SELECT xor(i, 1) AS v FROM {N}", f"SELECT i << 1 AS v FROM {N}"],
    "no-average-date": [f"SELECT avg(d) AS v FROM {M}"],
    "no-asof": [f"SELECT a.i FROM {E} AS a ASOF JOIN {E} AS b ON a.pos >= b.pos"],
}
