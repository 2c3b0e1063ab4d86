"""Windows: order with NULLs and ties, frames, edges, rankings."""

from __future__ import annotations

EXPRESSIONS = """
    row_number() OVER (ORDER BY i) | rank() OVER (ORDER BY pos) | dense_rank() OVER (ORDER BY pos DESC)
    ntile(3) OVER (ORDER BY i) | rank() OVER (PARTITION BY who ORDER BY pos)
    row_number() OVER (PARTITION BY who ORDER BY pos DESC, i) | percent_rank() OVER (ORDER BY i)
    cume_dist() OVER (ORDER BY pos) | row_number() OVER (ORDER BY pos NULLS FIRST, i)
    row_number() OVER (ORDER BY pos DESC NULLS FIRST, i) | lag(x) OVER (ORDER BY i) | lead(label) OVER (ORDER BY i)
    lag(i, 2) OVER (ORDER BY i) | lag(x, 1, 0) OVER (ORDER BY i) | lag(i, 1, -1) OVER (PARTITION BY who ORDER BY i)
    lead(label, 1, 'none') OVER (PARTITION BY who ORDER BY i) | lag(i + 1) OVER (ORDER BY i)
    lag('x') OVER (ORDER BY i) | lead(1) OVER (ORDER BY i) | coalesce(lag(i) OVER (ORDER BY i), 0)
    sum(x) OVER (PARTITION BY who) | sum(x) OVER (ORDER BY i) | sum(i) OVER (ORDER BY pos)
    count(*) OVER (PARTITION BY who) | count(x) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
    avg(x) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
    sum(x) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    max(label) OVER (ORDER BY i ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING)
    sum(i) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
    min(x) OVER (ORDER BY pos, i ROWS UNBOUNDED PRECEDING)
    sum(x) OVER (ORDER BY pos RANGE BETWEEN 10 PRECEDING AND CURRENT ROW)
    count(*) OVER (ORDER BY pos RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING)
    count(*) OVER (PARTITION BY who ORDER BY pos RANGE BETWEEN 10 PRECEDING AND 1 PRECEDING)
    count(*) OVER (ORDER BY pos RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    max(i) OVER (ORDER BY pos DESC RANGE BETWEEN 10 PRECEDING AND CURRENT ROW)
    first_value(x) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    first_value(label) OVER (PARTITION BY who ORDER BY i DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    last_value(label) OVER (PARTITION BY who ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    last_value(x IGNORE NULLS) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    first_value(label IGNORE NULLS) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
    last_value(i) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)
    last_value(1) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) | median(x) OVER (PARTITION BY who)
    quantile_cont(x, 0.25) OVER (PARTITION BY label) | bool_or(x > 1) OVER (PARTITION BY who)
    sum(x) FILTER (WHERE label = 'p') OVER (PARTITION BY who) | count(*) FILTER (WHERE x > 0) OVER (ORDER BY i)
    CAST(sum(i) OVER (PARTITION BY who) AS DOUBLE) / nullif(sum(i) OVER (), 0)
    arg_max(label, i) OVER (PARTITION BY who) | max(x) OVER () - x
    CASE WHEN count(x) OVER (PARTITION BY who) > 1 THEN stddev_samp(x) OVER (PARTITION BY who) END
    any_value(who) OVER (PARTITION BY who) | lag(who) OVER (ORDER BY i) IS DISTINCT FROM who
    sum(CASE WHEN label = 'p' THEN 1 ELSE 0 END) OVER (PARTITION BY who ORDER BY i)
    count(DISTINCT label) OVER (PARTITION BY who)
    row_number() OVER (ORDER BY who NULLS FIRST, x DESC NULLS LAST, i) % 2 = 0
"""
WINDOWS = {
    **{
        text: f"SELECT i, {text} AS v FROM measure_ref.events"
        for line in EXPRESSIONS.strip().splitlines()
        for text in map(str.strip, line.split(" | "))
    },
    "qualify": "SELECT i, who FROM measure_ref.events QUALIFY row_number() OVER (PARTITION BY who ORDER BY i DESC) = 1",
    "qualify by alias": """
        SELECT i, row_number() OVER (PARTITION BY label ORDER BY i) AS n FROM measure_ref.events QUALIFY n = 1""",
    "named window": """
        SELECT i, sum(x) OVER w AS s, lag(i) OVER w AS p FROM measure_ref.events
        WINDOW w AS (PARTITION BY who ORDER BY i)""",
    "window over groups": """
        SELECT who, count(*) AS n, sum(count(*)) OVER (ORDER BY who) AS running,
            rank() OVER (ORDER BY count(*) DESC) AS r
        FROM measure_ref.events GROUP BY who""",
    "window in a derived table": """
        SELECT who, max(n) AS m
        FROM (SELECT who, row_number() OVER (PARTITION BY who ORDER BY i) AS n FROM measure_ref.events) AS t
        GROUP BY who""",
    "funnel": """
        WITH first AS (SELECT who, pos, label, CASE WHEN label = 'p' THEN pos END AS st1
            FROM measure_ref.events WHERE pos IS NOT NULL),
        second AS (
            SELECT who, pos, label, max(st1) OVER (
                PARTITION BY who ORDER BY pos RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS m FROM first)
        SELECT who, max(CASE WHEN label = 'q' AND pos <= m + 15 THEN 2 WHEN m IS NOT NULL THEN 1 ELSE 0 END) AS level
        FROM second GROUP BY who""",
}
