"""Every rule finds what it is about and leaves the recommended phrase alone."""

from __future__ import annotations

import pytest

from measure_cli.dialects.compiled import CompiledSelect, LintFinding
from measure_cli.dialects.lint import RULES
from tests.dialects.shop import Shop

O = "measure_ref.orders"  # noqa: E741
TWO = f"{O} AS a {{}} JOIN {O} AS b ON a.i >= b.i"

# rule -> (SQL it finds, SQL it must not find). A text without SELECT stands for one output column over orders.
FOUND: dict[str, list[str]] = {
    "no-asof": [f"SELECT a.i FROM {TWO.format('ASOF')}", f"SELECT a.i FROM {TWO.format('ASOF LEFT')}"],
    "no-implicit-join-columns": [f"SELECT age FROM {O} NATURAL JOIN measure_ref.people"],
    "no-lateral": [f"SELECT l.z FROM {O} AS o CROSS JOIN LATERAL (SELECT o.i + 1 AS z) AS l"],
    "no-pivot": [f"SELECT * FROM (SELECT who, i FROM {O}) PIVOT (sum(i) FOR who IN ('ann', 'bob'))"],
    "no-sample": [f"SELECT i FROM {O} TABLESAMPLE 10%", f"SELECT i FROM {O} USING SAMPLE 3"],
    "no-union-by-name": [f"SELECT i FROM {O} UNION ALL BY NAME SELECT 1 AS i"],
    "no-values-in-cte": ["WITH t AS (VALUES (1)) SELECT 1 AS a FROM t"],
    "no-unnest-or-generate-series": [
        "SELECT t.x FROM unnest([1, 2]) AS t(x)",
        "SELECT t.x FROM generate_series(1, 3) AS t(x)",
        "SELECT t.x FROM range(3) AS t(x)",
        "unnest([i])",
    ],
    "no-not-in-subquery": [
        f"SELECT i FROM {O} WHERE who NOT IN (SELECT who FROM measure_ref.people)",
        f"SELECT i FROM {O} WHERE NOT (who IN (SELECT who FROM measure_ref.people))",
    ],
    "no-null-in-list": [f"SELECT i FROM {O} WHERE who NOT IN ('a', NULL)"],
    "no-correlated-count": [
        f"SELECT i, (SELECT count(*) FROM measure_ref.people AS p WHERE p.who = o.who) AS n FROM {O} AS o"
    ],
    "no-order-by-in-model": [
        f"SELECT i FROM {O} ORDER BY i",
        f"SELECT t.i FROM (SELECT i FROM {O} ORDER BY i) AS t",
        f"SELECT i FROM {O} UNION ALL SELECT 1 ORDER BY i",
    ],
    "limit-needs-order": [f"SELECT i FROM {O} LIMIT 3", f"SELECT 1 AS one, i FROM {O} LIMIT 3"],
    "no-distinct-on": [f"SELECT DISTINCT ON (who) who, i FROM {O} ORDER BY who, i LIMIT 9"],
    "typed-null": ["NULL", f"WITH t AS (SELECT NULL AS a, i FROM {O}) SELECT a, i FROM t"],
    "snake-case-names": [
        f'SELECT i AS "Total" FROM {O}',
        f'SELECT i AS "two words" FROM {O}',
        f'SELECT i AS "order" FROM {O}',
        f"SELECT X.i FROM {O} AS X",
        f'WITH t("A") AS (SELECT i FROM {O}) SELECT t.a AS b FROM t',
    ],
    "explicit-frame": ["first_value(x) OVER (ORDER BY i)", "last_value(x IGNORE NULLS) OVER (ORDER BY i)"],
    "no-range-interval-frame": [
        "sum(x) OVER (ORDER BY ts RANGE BETWEEN INTERVAL 7 DAY PRECEDING AND CURRENT ROW)",
    ],
    "no-ignore-nulls": ["lag(x IGNORE NULLS) OVER (ORDER BY i)", "lead(x) IGNORE NULLS OVER (ORDER BY i)"],
    "window-needs-order": ["row_number() OVER (PARTITION BY who)", "lag(x) OVER ()", "rank() OVER ()"],
    "no-engine-functions": [
        "epoch(ts)",
        "epoch_us(ts)",
        "hash(who)",
        "levenshtein(who, kind)",
        "approx_count_distinct(i)",
    ],
    "no-arrays": [
        "[i, 2]",
        "list(i)",
        "{'a': i}",
        "CAST(NULL AS INTEGER[])",
        "struct_pack(a := i)",
        "list_transform([i], y -> y)",
    ],
    "no-random": ["random()", "uuid()", "gen_random_uuid()"],
    "no-current-time": ["current_date", "now()", "today()", "current_timestamp", "get_current_timestamp()"],
    "no-strftime": ["strftime(d, '%Y')", "strptime(who, '%Y')"],
    "ordered-string-agg": ["string_agg(who, ',')", "string_agg(who, ',' ORDER BY i ASC, x DESC)"],
    "no-count-distinct-tuple": ["count(DISTINCT (who, i))"],
    "week-as-date": [
        "date_trunc('week', ts)",
        "date_trunc('month', d) + INTERVAL 3 DAY",
        "max(date_trunc('year', d))",
        "CAST(date_trunc('week', ts) AS TIMESTAMP)",
    ],
    "date-interval-cast": ["d + INTERVAL 1 DAY", "coalesce(d - INTERVAL (i) MONTH, d)"],
    "no-date-subtraction": ["d - DATE '2024-01-01'", "ts - ts"],
    "no-date-plus-number": ["d + 1", "d - i"],
    "date-diff-unit": ["date_diff('week', d, d)", "datediff('quarter', d, d)"],
    "no-time-zones": ["ts AT TIME ZONE 'Europe/Berlin'", "CAST(ts AS TIMESTAMPTZ)"],
    "guarded-division": [
        "x / i",
        "x // i",
        "i % i",
        "x / 0",
        "x / nullif(i, 1)",
        "x / (i + 1)",
        "x / coalesce(nullif(i, 0), 0)",
        "x / greatest(i, 0)",
    ],
    "division-on-double": ["amount / nullif(i, 0)", "i / nullif(i, 0)", "sum(amount) / nullif(count(*), 0)"],
    "no-log": ["log(x)", "log(3, x)"],
    "no-round": ["round(x)", "round(x, 2)"],
    "guarded-stddev": ["stddev_samp(x)", "stddev(x)", "var_pop(x)", "stddev_samp(x) OVER (ORDER BY i)"],
    "guarded-corr": ["corr(x, i)", "regr_slope(x, i)", "covar_samp(x, i)"],
    "quantile-on-double": [
        "quantile_cont(amount, 0.5)",
        "median(amount)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY amount)",
    ],
    "no-cast-float-to-int": ["CAST(x AS BIGINT)", "CAST(amount * 2 AS INTEGER)", "CAST(x / 7.0 AS INTEGER)"],
    "no-double-to-decimal": ["CAST(x AS DECIMAL(18, 2))"],
    "no-nan": ["CAST('nan' AS DOUBLE)", "'-Infinity'::DOUBLE"],
    "text-cast": ["CAST(who AS DOUBLE)", "CAST(trim(who) AS DATE)", "who::INTEGER"],
    "no-try-cast-to-int": ["try_cast(who AS INTEGER)", "try_cast(trim(who) AS BIGINT)"],
    "guarded-date-cast": [
        "try_cast(who AS DATE)",
        "try_cast(trim(who) AS TIMESTAMP)",
        "CASE WHEN who <> '' THEN try_cast(who AS DATE) END",
        "CASE WHEN who LIKE '____-__-__%' THEN try_cast(who AS DATE) END",
        "CASE WHEN who LIKE '____-__-__' THEN try_cast(who AS TIMESTAMP) END",
    ],
    "no-number-to-text": ["CAST(x AS VARCHAR)", "CAST(amount AS TEXT)", "CAST(ts AS VARCHAR)", "who || x"],
    "no-concat-ws": ["concat_ws(',', who, kind)"],
    "no-is-true": ["(x > 1) IS TRUE", "(x > 1) IS NOT FALSE"],
    "regexp-replace-all": ["regexp_replace(who, 'a', 'b')", "regexp_replace(who, 'a', 'b', 'i')"],
    "regexp-extract-null": ["regexp_extract(who, 'a')", "coalesce(regexp_extract(who, 'a'), '')"],
    "whole-division": ["x % 2", "amount // 2"],
    "no-bits": ["i & 1", "i | 2", "xor(i, 1)", "i << 1", "~i"],
    "no-average-date": ["avg(d)", "avg(ts)"],
    "portable-date-parts": ["extract(epoch FROM ts)", "extract(decade FROM d)", "extract(microsecond FROM ts)"],
    "plain-interval": ["ts + INTERVAL '1 day 2 hours'", "ts + INTERVAL 1.5 DAY", "ts + INTERVAL 1 CENTURY"],
    "portable-patterns": [
        "who ILIKE 'a%'",
        "who LIKE 'a!%' ESCAPE '!'",
        "who SIMILAR TO 'a'",
        "who ~ 'a'",
        "who GLOB 'a*'",
    ],
    "portable-regexp-options": ["regexp_matches(who, 'a', 'm')", "regexp_extract(who, '(a)(b)', ['x', 'y'])"],
    "regexp-replace-something": ["regexp_replace(who, 'x*', '', 'g')", "regexp_replace(who, 'a|', '', 'g')"],
    "plain-trim": ["trim(who, 'é')", "ltrim(who, kind)"],
    "in-decides-rows": [
        f"SELECT who IN (SELECT who FROM measure_ref.people) AS known FROM {O}",
        f"SELECT i FROM {O} WHERE NOT coalesce((i, who) IN ((1, 'ann')), FALSE)",
    ],
    "no-except-all": [
        f"SELECT who FROM {O} EXCEPT ALL SELECT who FROM measure_ref.people",
        f"SELECT who FROM {O} INTERSECT ALL SELECT who FROM measure_ref.people",
    ],
    "no-quantified-comparison": [
        f"SELECT i FROM {O} WHERE i > ALL (SELECT age FROM measure_ref.people)",
        f"SELECT i FROM {O} WHERE i = ANY (SELECT age FROM measure_ref.people)",
    ],
    "portable-frame": [
        "sum(x) OVER (ORDER BY i GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)",
        "sum(x) OVER (ORDER BY i RANGE BETWEEN UNBOUNDED PRECEDING AND 5 PRECEDING)",
        "sum(x) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW)",
    ],
}

FINE: dict[str, list[str]] = {
    "no-asof": [f"SELECT a.i FROM {TWO.format('LEFT')}"],
    "no-implicit-join-columns": [f"SELECT age FROM {O} JOIN measure_ref.people USING (who)"],
    "no-lateral": [f"SELECT t.i FROM (SELECT i FROM {O}) AS t"],
    "no-pivot": ["sum(CASE WHEN who = 'ann' THEN i END)"],
    "no-sample": [f"SELECT i FROM {O} WHERE substr(md5(who), 1, 2) < '80'"],
    "no-union-by-name": [f"SELECT i FROM {O} UNION ALL SELECT 1"],
    "no-values-in-cte": [
        "SELECT a FROM (VALUES (1)) AS t(a)",
        "WITH t AS (SELECT a FROM (VALUES (1)) AS v(a)) SELECT a FROM t",
    ],
    "no-unnest-or-generate-series": ["SELECT d.x FROM (SELECT 0 AS x UNION ALL SELECT 1) AS d"],
    "no-not-in-subquery": [
        f"SELECT i FROM {O} WHERE who IN (SELECT who FROM measure_ref.people)",
        f"SELECT i FROM {O} WHERE who NOT IN ('a', 'b')",
    ],
    "no-null-in-list": ["who IN ('a', 'b')"],
    "no-correlated-count": [
        f"SELECT coalesce((SELECT count(*) FROM measure_ref.people AS p WHERE p.who = o.who), 0) AS n FROM {O} AS o",
        f"SELECT i, (SELECT count(*) FROM measure_ref.people) AS n FROM {O}",
        f"SELECT i, (SELECT max(age) FROM measure_ref.people AS p WHERE p.who = o.who) AS n FROM {O} AS o",
    ],
    "no-order-by-in-model": [
        f"SELECT i FROM {O} ORDER BY i LIMIT 3",
        "row_number() OVER (ORDER BY i)",
        "string_agg(who, ',' ORDER BY i)",
        "quantile_cont(x, 0.5)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)",
    ],
    "limit-needs-order": [f"SELECT i FROM {O} ORDER BY i LIMIT 3", f"SELECT 1 AS one FROM {O} LIMIT 3"],
    "no-distinct-on": [f"SELECT DISTINCT who FROM {O}"],
    "typed-null": [
        "CAST(NULL AS DOUBLE)",
        f"SELECT i FROM {O} UNION ALL SELECT NULL",
        f"SELECT i FROM {O} WHERE EXISTS (SELECT NULL FROM {O})",
        "CASE WHEN x > 1 THEN NULL ELSE 1 END",
    ],
    "snake-case-names": [
        "SELECT i AS n_touches_7d, x AS date, kind AS linear, who AS _key FROM measure_ref.orders AS rank"
    ],
    "explicit-frame": [
        "first_value(x) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
        "sum(x) OVER (ORDER BY i)",
    ],
    "no-range-interval-frame": ["sum(x) OVER (ORDER BY i RANGE 604800 PRECEDING)"],
    "no-ignore-nulls": [
        "any_value(x)",
        "last_value(x IGNORE NULLS) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)",
    ],
    "window-needs-order": [
        "row_number() OVER (ORDER BY i)",
        "sum(x) OVER (PARTITION BY who)",
        f"SELECT row_number() OVER w AS n FROM {O} WINDOW w AS (ORDER BY i)",
    ],
    "no-engine-functions": [
        "count(*) FILTER (WHERE i > 1)",
        "coalesce(nullif(trim(lower(who)), ''), md5(who))",
        "CASE WHEN i > 1 AND x > 1 OR NOT i = 3 THEN pow(i, 2) ELSE sqrt(abs(x)) END",
        "string_agg(who, ',' ORDER BY who)",
        "arg_max(who, i)",
        "last_day(d)",
        "extract(isodow FROM d)",
        "log10(i)",
        "regexp_matches(who, 'a')",
        "EXISTS (SELECT 1 FROM measure_ref.people)",
    ],
    "no-arrays": ["CAST(i AS DECIMAL(18, 2))", "max(i)"],
    "no-random": ["md5(who)"],
    "no-current-time": ["DATE '2024-01-01'", "md5(who)"],
    "no-strftime": ["extract(year FROM d) * 100 + extract(month FROM d)"],
    "ordered-string-agg": ["string_agg(who, ',' ORDER BY i DESC)", "string_agg(DISTINCT who, ',' ORDER BY who)"],
    "no-count-distinct-tuple": ["count(DISTINCT who)", "count(*)"],
    "week-as-date": [
        "CAST(date_trunc('week', ts) AS DATE)",
        "date_trunc('month', ts)::DATE",
        "CAST(date_trunc('week', CAST(d + INTERVAL 6 DAY AS DATE)) AS DATE)",
        "CAST(date_trunc('week', ts) + INTERVAL 3 DAY AS DATE)",
        "CAST(coalesce(date_trunc('week', ts), d) AS DATE)",
        "date_diff('day', date_trunc('week', d), d)",
        "date_trunc('month', ts) = date_trunc('month', d)",
        "date_trunc('hour', ts)",
    ],
    "date-interval-cast": [
        "CAST(d + INTERVAL 1 DAY AS DATE)",
        "CAST(CASE WHEN i > 1 THEN d + INTERVAL (i) DAY ELSE d END AS DATE)",
        "d >= DATE '2024-01-01' - INTERVAL 7 DAY",
        "ts + INTERVAL 1 HOUR",
    ],
    "no-date-subtraction": ["date_diff('day', d, d)", "i - 1"],
    "no-date-plus-number": ["i + 1", "CAST(d + INTERVAL (i) DAY AS DATE)"],
    "date-diff-unit": ["date_diff('day', d, d)", "date_diff('microsecond', ts, ts)", "date_diff('month', d, d)"],
    "no-time-zones": ["ts AT TIME ZONE 'UTC'", "CAST(d AS TIMESTAMP)"],
    "guarded-division": [
        "x / 7.0",
        "x / -2",
        "i // 2",
        "i % 7",
        "CAST(i AS DOUBLE) / nullif(CAST(i AS DOUBLE), 0)",
        "x / (nullif(x, 0.0))",
        "x / CAST(nullif(i, 0) AS DOUBLE)",
        "x / greatest(i, 1)",
        "x / ln(2)",
        "x / (24 * 3600)",
        "x / CAST(30 AS DOUBLE)",
    ],
    "division-on-double": ["x / nullif(i, 0)", "CAST(i AS DOUBLE) / nullif(i, 0)", "i / 7.0", "avg(x) / nullif(i, 0)"],
    "no-log": ["ln(x)", "log10(x)", "log2(x)"],
    "no-round": ["floor(x + 0.5)"],
    "guarded-stddev": ["CASE WHEN count(x) > 1 THEN stddev_samp(x) END"],
    "guarded-corr": ["CASE WHEN min(x) < max(x) AND min(i) < max(i) THEN corr(x, i) END"],
    "quantile-on-double": ["quantile_cont(x, 0.5)", "median(CAST(amount AS DOUBLE))", "median(i)"],
    "no-cast-float-to-int": [
        "CAST(floor(x) AS BIGINT)",
        "CAST(floor(x / 7.0) + 1 AS BIGINT)",
        "CAST(CASE WHEN x > 1 THEN ceil(x) ELSE 0 END AS BIGINT)",
        "CAST(count(*) AS BIGINT)",
        "CAST(sum(i) AS BIGINT)",
        "CAST(who = 'ann' AS INTEGER)",
    ],
    "no-double-to-decimal": [
        "CAST(i AS DECIMAL(18, 2))",
        "CAST(amount AS DECIMAL(38, 2))",
        "try_cast(who AS DECIMAL(18, 2))",
    ],
    "no-nan": ["CAST(NULL AS DOUBLE)", "CAST('1' AS DOUBLE)"],
    "text-cast": ["try_cast(trim(who) AS DOUBLE)", "CAST('2024-01-01' AS DATE)", "CAST(i AS DOUBLE)"],
    "no-try-cast-to-int": ["CAST(floor(try_cast(trim(who) AS DOUBLE)) AS BIGINT)", "try_cast(i AS BIGINT)"],
    "guarded-date-cast": [
        "CASE WHEN who LIKE '____-__-__' THEN try_cast(who AS DATE) END",
        "CASE WHEN who LIKE '____-__-__ __:__:__%' THEN try_cast(who AS TIMESTAMP) END",
    ],
    "no-number-to-text": ["CAST(i AS VARCHAR)", "CAST(d AS VARCHAR)", "who || kind", "'a' || CAST(i AS VARCHAR)"],
    "no-concat-ws": ["coalesce(who, '') || ',' || coalesce(kind, '')"],
    "no-is-true": ["coalesce(x > 1, FALSE)", "x IS NULL", "x IS NOT NULL"],
    "regexp-replace-all": ["regexp_replace(who, 'a', 'b', 'g')"],
    "regexp-extract-null": ["nullif(regexp_extract(who, 'a'), '')"],
    "whole-division": ["i % 2", "i // 2", "x - 2 * floor(x / 2)"],
    "no-bits": ["i * 2"],
    "no-average-date": ["avg(x)", "avg(date_diff('day', DATE '2024-01-01', d))"],
    "portable-date-parts": ["extract(isodow FROM d)", "extract(year FROM ts)", "extract(second FROM ts)"],
    "plain-interval": ["ts + INTERVAL 7 DAY", "ts + INTERVAL '3 weeks'", "ts + INTERVAL (i) HOUR"],
    "portable-patterns": ["lower(who) LIKE 'a%'", "regexp_matches(who, 'a')"],
    "portable-regexp-options": ["regexp_matches(who, 'a', 'i')", "nullif(regexp_extract(who, '(a)', 1), '')"],
    "regexp-replace-something": ["regexp_replace(who, '\\s+', ' ', 'g')", "regexp_replace(who, '[^a-z]', '', 'g')"],
    "plain-trim": ["trim(who)", "trim(who, ' -')"],
    "in-decides-rows": [
        f"SELECT i FROM {O} WHERE i > 1 AND (who IN (SELECT who FROM measure_ref.people) OR i = 2)",
        f"SELECT CASE WHEN (i, who) IN ((1, 'ann')) THEN 1 ELSE 0 END AS v FROM {O}",
        "who IN ('a', 'b')",
    ],
    "no-except-all": [f"SELECT who FROM {O} EXCEPT SELECT who FROM measure_ref.people"],
    "no-quantified-comparison": [f"SELECT i FROM {O} WHERE i > (SELECT max(age) FROM measure_ref.people)"],
    "portable-frame": [
        "sum(x) OVER (ORDER BY i RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)",
        "sum(x) OVER (ORDER BY i RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
        "sum(x) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 5 PRECEDING)",
    ],
}


def compiled(shop: Shop, text: str) -> CompiledSelect:
    return shop.compile(text if text.startswith(("SELECT", "WITH")) else f"SELECT {text} AS value FROM {O}")


def rules_of(shop: Shop, text: str) -> set[str]:
    return {finding.rule for finding in compiled(shop, text).findings}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in FOUND.items() for text in texts])
def test_rule_finds(shop: Shop, rule: str, text: str) -> None:
    assert rule in rules_of(shop, text)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in FINE.items() for text in texts])
def test_rule_leaves_alone(shop: Shop, rule: str, text: str) -> None:
    assert rule not in rules_of(shop, text)


def test_every_rule_has_cases_and_a_description() -> None:
    assert set(FOUND) == set(FINE) == set(RULES)
    assert all(description.endswith(".") for description in RULES.values())


def test_findings_tell_the_line_what_was_found_and_what_to_write(shop: Shop) -> None:
    findings = shop.compile(f"""SELECT
        i,
        CASE
            WHEN i > 1
                THEN x / i
        END AS ratio,
        now()
            AS loaded_at
    FROM {O}
    WHERE who NOT IN (SELECT who FROM measure_ref.people)""").findings
    assert [(finding.rule, finding.line) for finding in findings] == [
        ("guarded-division", 5),
        ("no-current-time", 7),
        ("no-not-in-subquery", 10),
    ]
    assert findings[0] == LintFinding(
        "guarded-division",
        5,
        "a division that may divide by zero",
        "Write CAST(a AS DOUBLE) / nullif(CAST(b AS DOUBLE), 0).",
    )


def test_an_expression_behind_an_alias_is_found_once(shop: Shop) -> None:
    findings = shop.compile(f"SELECT CAST(x AS BIGINT) AS n, n + 1 AS m FROM {O} WHERE n > 1").findings
    assert [finding.rule for finding in findings] == ["no-cast-float-to-int"]


def test_a_portable_model_has_no_findings(shop: Shop) -> None:
    portable = f"""
        WITH RECURSIVE weeks AS (
            SELECT CAST(date_trunc('week', CAST(min(d) AS DATE)) AS DATE) AS week FROM {O}
            UNION ALL
            SELECT CAST(week + INTERVAL 7 DAY AS DATE) AS week FROM weeks WHERE week < DATE '2024-03-01'
        ),
        ranked AS (
            SELECT who, kind, amount, x, d, row_number() OVER (PARTITION BY who ORDER BY d DESC, i) AS newest FROM {O}
        )
        SELECT
            weeks.week,
            coalesce(ranked.who, '(nobody)') AS who,
            sum(ranked.amount) AS amount,
            sum(ranked.x) / nullif(CAST(count(*) AS DOUBLE), 0) AS mean_x,
            CASE WHEN count(ranked.x) > 1 THEN stddev_samp(ranked.x) END AS spread,
            string_agg(ranked.kind, ', ' ORDER BY ranked.newest) AS kinds,
            count(CASE WHEN ranked.newest = 1 THEN 1 END) AS newest
        FROM weeks
        LEFT JOIN ranked
            ON ranked.d >= weeks.week
            AND ranked.d < CAST(weeks.week + INTERVAL 7 DAY AS DATE)
        WHERE NOT EXISTS (SELECT 1 FROM measure_ref.people WHERE people.who = ranked.who AND coalesce(is_new, FALSE))
        GROUP BY weeks.week, coalesce(ranked.who, '(nobody)')"""
    assert shop.compile(portable).findings == ()
