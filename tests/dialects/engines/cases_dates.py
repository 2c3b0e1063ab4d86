"""Dates: truncation, steps, differences and parts, before 1970, after 2149, at month ends and around ISO years."""

from __future__ import annotations

EXPRESSIONS = """
    CAST(date_trunc('week', ts) AS DATE) | CAST(date_trunc('week', d) AS DATE) | CAST(date_trunc('month', ts) AS DATE)
    CAST(date_trunc('month', d) AS DATE) | CAST(date_trunc('quarter', d) AS DATE)
    CAST(date_trunc('year', until) AS DATE) | CAST(date_trunc('day', ts) AS DATE) | date_trunc('hour', ts)
    date_trunc('minute', ts) | date_trunc('second', ts) | date_trunc('millisecond', ts)
    date_trunc('microsecond', ts) | CAST(date_trunc('month', d) + INTERVAL 1 MONTH AS DATE)
    CAST(date_trunc('month', ts) - INTERVAL 1 DAY AS DATE) | CAST(d + INTERVAL 1 DAY AS DATE)
    CAST(d + INTERVAL 1 MONTH AS DATE) | CAST(d - INTERVAL 1 MONTH AS DATE) | CAST(d + INTERVAL 1 YEAR AS DATE)
    CAST(d - INTERVAL 3 QUARTER AS DATE) | CAST(e - INTERVAL 1 YEAR AS DATE) | CAST(d + INTERVAL (i) DAY AS DATE)
    CAST(d + INTERVAL (i - 5) MONTH AS DATE) | CAST(d + i * INTERVAL 7 DAY AS DATE)
    CAST(d - INTERVAL '2 weeks' AS DATE) | CAST(d + INTERVAL 2 WEEK AS DATE) | CAST(INTERVAL 1 DAY + d AS DATE)
    CAST((d + INTERVAL 1 MONTH) - INTERVAL 1 DAY AS DATE) | ts + INTERVAL 1 DAY | ts - INTERVAL 90 MINUTE
    ts + INTERVAL 1 MONTH | ts + INTERVAL (i) HOUR | ts + INTERVAL (i) SECOND | ts - INTERVAL 1 MICROSECOND
    ts + INTERVAL 250 MILLISECOND | ts - (i * INTERVAL 1 HOUR) | CAST(d AS TIMESTAMP) | CAST(ts AS DATE)
    CAST(CAST(ts AS DATE) AS TIMESTAMP) | CAST(d AS TIMESTAMP) + INTERVAL 36 HOUR | CAST(d AS VARCHAR)
    date_diff('day', d, e) | date_diff('day', e, d) | date_diff('day', ts, until) | date_diff('month', d, e)
    date_diff('year', d, e) | date_diff('hour', ts, until) | date_diff('minute', ts, until)
    date_diff('second', ts, until) | date_diff('microsecond', ts, until) | date_diff('day', d, ts)
    date_diff('second', d, until) | date_diff('month', ts, until)
    date_diff('microsecond', TIMESTAMP '1970-01-01', ts) | date_diff('day', DATE '1970-01-01', d)
    CAST(floor(date_diff('day', CAST(date_trunc('week', d) AS DATE), DATE '2024-01-01') / 7.0) AS INTEGER)
    year(d) | quarter(d) | month(ts) | day(ts) | hour(ts) | minute(ts) | second(ts) | isodow(d) | dayofyear(d)
    extract(year FROM ts) | extract(quarter FROM d) | extract(month FROM d) | extract(day FROM until)
    extract(hour FROM until) | extract(minute FROM until) | extract(second FROM ts) | extract(isodow FROM ts)
    extract(dow FROM d) | extract(doy FROM e) | extract(week FROM d) | extract(week FROM ts) | extract(isoyear FROM d)
    extract(isoyear FROM e) | extract(year FROM d) * 100 + extract(month FROM d) | last_day(d) | last_day(ts)
    last_day(until) | d > e | d = DATE '1960-05-05' | ts >= TIMESTAMP '1970-01-01 00:00:00' | ts < d | d <= until
    ts = '1960-02-29' | d >= '2024-01-01' | d BETWEEN '2020-01-01' AND e | d IN (DATE '2024-01-31', DATE '1960-05-05')
    d IN ('2024-01-31') | CAST(ts AS DATE) = d | coalesce(d, DATE '2000-02-29') | coalesce(d, ts) | coalesce(ts, d)
    coalesce(e, '2000-02-29') | greatest(d, e) | least(d, ts) | greatest(ts, until) | nullif(d, e)
    nullif(d, DATE '1960-05-05') | nullif(d, ts) | nullif(d, TIMESTAMP '1960-05-05 10:00:00') | nullif(ts, d)
    nullif(d, TIMESTAMP '1960-05-05 00:00:00')
    CASE WHEN i < 4 THEN d ELSE ts END | CASE WHEN i < 4 THEN d END | DATE '0999-12-31'
    DATE '9999-12-31' | TIMESTAMP '2024-02-29 12:30:00.000001' | TIMESTAMP '2024-02-29' | DATE '1883-11-18'
    TIMESTAMP '2024-02-29T12:30:00' | CAST('2024-02-29 12:30:00.1' AS TIMESTAMP) | ts + INTERVAL 1 DAY > until
    CAST(ts AS DATE) - INTERVAL 1 DAY < d | ts AT TIME ZONE 'UTC' IS NULL
"""
AGGREGATES = "min(d) | max(ts) | count(DISTINCT d) | arg_max(d, ts) | min(CAST(date_trunc('week', ts) AS DATE))"

DATES = {
    **{
        text: f"SELECT i, {text} AS v FROM measure_ref.moments"
        for line in EXPRESSIONS.strip().splitlines()
        for text in map(str.strip, line.split(" | "))
    },
    **{f"{text} of all": f"SELECT {text} AS v FROM measure_ref.moments" for text in AGGREGATES.split(" | ")},
    "by week": """
        SELECT CAST(date_trunc('week', ts) AS DATE) AS wk, count(*) AS n FROM measure_ref.moments GROUP BY 1""",
    "by month, having": """
        SELECT extract(month FROM d) AS m, max(d) AS latest FROM measure_ref.moments GROUP BY 1 HAVING count(*) > 1""",
    "spine of weeks": """
        WITH RECURSIVE weeks AS (
            SELECT DATE '1969-12-01' AS wk
            UNION ALL
            SELECT CAST(wk + INTERVAL 7 DAY AS DATE) AS wk FROM weeks WHERE wk < DATE '1970-03-01'
        ) SELECT wk, date_diff('day', DATE '1970-01-01', wk) AS n FROM weeks""",
    "spine of days by digits": """
        WITH digits AS (SELECT d FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS t(d))
        SELECT CAST(DATE '2149-12-31' + INTERVAL (a.d + 10 * b.d) DAY AS DATE) AS day
        FROM digits AS a CROSS JOIN digits AS b""",
    "join on a range of time": """
        SELECT a.i, b.i AS j FROM measure_ref.moments AS a
        INNER JOIN measure_ref.moments AS b ON b.ts >= a.ts AND b.ts < a.ts + INTERVAL 400 DAY""",
    "join of a date and a timestamp": """
        SELECT a.i, b.i AS j FROM measure_ref.moments AS a INNER JOIN measure_ref.moments AS b ON a.d = b.ts""",
    "union of a date and a timestamp": """
        SELECT d AS m FROM measure_ref.moments UNION ALL SELECT ts FROM measure_ref.moments UNION ALL SELECT NULL""",
}
