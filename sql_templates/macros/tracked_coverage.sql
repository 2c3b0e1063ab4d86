{#
Tracked coverage: how many conversions have at least one eligible touch in one lookback, and how many touches each
exclusion rule took away.

Touches are counted, not joined: along the timeline of a user, the touches in the window of a conversion are those before
its end less those before its begin. How many come before an edge is told by two ranks of it, among touches and edges
together and among edges alone. Sorts only, so linear in touches and conversions, also for a user who holds most of both.
A batch reads its conversions and the touches that they can look back to: touches before all edges change no difference.
#}

{# `touchpoints`, `conversions` and `exclusions` are relation texts: (user_pseudonym, [identity_role,] event_kind, event_ts),
   (`key_column`, user_pseudonym, [identity_role,] conversion_kind, conversion_ts, conversion_date) and (conversion_kind,
   event_kind, rule). Of each rule in `rules` the touches removed are a column. #}
{% macro tracked_coverage(
    touchpoints, conversions, exclusions, key_column, rules, lookback_days, include_touch_at_conversion, with_role
) %}
{%- set person = ['user_pseudonym', 'identity_role'] if with_role else ['user_pseudonym'] -%}
{%- set key = ['conversion_date', 'conversion_kind'] + (['identity_role'] if with_role else []) -%}
-- Grain: {{ key | join(' x ') }}; tracked is a conversion with an eligible touch in {{ lookback_days }} days.
WITH converting_users AS (
  SELECT
    {%- for column in person %}
    {{ column }},
    {%- endfor %}
    row_number() OVER (ORDER BY user_pseudonym{{ ', identity_role NULLS LAST' if with_role }}) AS user_no
  FROM {{ conversions }}
  {%- if is_incremental() %}
  WHERE {{ in_batch('conversion_ts') }}
  {%- endif %}
  GROUP BY {{ person | join(', ') }}
),

numbered_conversions AS (
  SELECT
    {%- for column in key %}
    conversions.{{ column }},
    {%- endfor %}
    conversions.user_pseudonym,
    conversions.conversion_ts,
    users.user_no,
    row_number() OVER (ORDER BY conversions.{{ key_column }}) AS conversion_no
  FROM {{ conversions }} AS conversions
  INNER JOIN converting_users AS users
    ON conversions.user_pseudonym = users.user_pseudonym
    {%- if with_role %}
    AND conversions.identity_role IS NOT DISTINCT FROM users.identity_role
    {%- endif %}
  {%- if is_incremental() %}
  WHERE {{ in_batch('conversions.conversion_ts') }}
  {%- endif %}
),

numbered_touches AS (
  SELECT
    users.user_no,
    touches.event_kind,
    touches.event_ts
  FROM {{ touchpoints }} AS touches
  INNER JOIN converting_users AS users
    ON touches.user_pseudonym = users.user_pseudonym
    {%- if with_role %}
    AND touches.identity_role IS NOT DISTINCT FROM users.identity_role
    {%- endif %}
  {%- if is_incremental() %}
  WHERE {{ seen_by_batch('touches.event_ts', lookback_days) }}
  {%- endif %}
),

-- Grain: series of touches that are counted: all of them (0), and those that each exclusion removes.
excluded_series AS (
  SELECT
    conversion_kind,
    event_kind,
    rule,
    row_number() OVER (ORDER BY conversion_kind, event_kind) AS series_no
  FROM {{ exclusions }}
),

conversion_series AS (
  SELECT
    user_no,
    conversion_no,
    conversion_ts,
    0 AS series_no
  FROM numbered_conversions
  UNION ALL
  SELECT
    conversions.user_no,
    conversions.conversion_no,
    conversions.conversion_ts,
    series.series_no
  FROM numbered_conversions AS conversions
  INNER JOIN excluded_series AS series ON conversions.conversion_kind = series.conversion_kind
),

-- At one microsecond a window begins before the touches (1), and ends {{ 'after' if include_touch_at_conversion else 'before' }} them.
edges AS (
  SELECT
    user_no,
    series_no,
    conversion_no,
    conversion_ts - INTERVAL {{ lookback_days }} DAY AS position_ts,
    0 AS position_order,
    -1 AS sign
  FROM conversion_series
  UNION ALL
  SELECT
    user_no,
    series_no,
    conversion_no,
    conversion_ts AS position_ts,
    {{ 2 if include_touch_at_conversion else 0 }} AS position_order,
    1 AS sign
  FROM conversion_series
),

timeline AS (
  SELECT
    user_no,
    series_no,
    conversion_no,
    position_ts,
    position_order,
    sign,
    rank() OVER (PARTITION BY user_no, series_no ORDER BY position_ts, position_order) AS rank_among_edges
  FROM edges
  UNION ALL
  SELECT
    user_no,
    0 AS series_no,
    CAST(NULL AS BIGINT) AS conversion_no,
    event_ts AS position_ts,
    1 AS position_order,
    0 AS sign,
    CAST(NULL AS BIGINT) AS rank_among_edges
  FROM numbered_touches
  UNION ALL
  SELECT
    touches.user_no,
    series.series_no,
    CAST(NULL AS BIGINT) AS conversion_no,
    touches.event_ts AS position_ts,
    1 AS position_order,
    0 AS sign,
    CAST(NULL AS BIGINT) AS rank_among_edges
  FROM numbered_touches AS touches
  INNER JOIN excluded_series AS series ON touches.event_kind = series.event_kind
),

ranked AS (
  SELECT
    series_no,
    conversion_no,
    sign,
    rank() OVER (PARTITION BY user_no, series_no ORDER BY position_ts, position_order)
    - rank_among_edges AS n_touches_before
  FROM timeline
),

-- Grain: conversion x series.
window_counts AS (
  SELECT
    conversion_no,
    series_no,
    sum(sign * n_touches_before) AS n_touches
  FROM ranked
  WHERE conversion_no IS NOT NULL
  GROUP BY conversion_no, series_no
),

guarded AS (
  SELECT
    window_counts.conversion_no,
    sum(
      CASE WHEN window_counts.series_no = 0 THEN window_counts.n_touches ELSE -window_counts.n_touches END
    ) AS n_touches
    {%- for rule in rules %},
    sum(CASE WHEN series.rule = {{ literal(rule) }} THEN window_counts.n_touches ELSE 0 END) AS n_{{ rule }}
    {%- endfor %}
  FROM window_counts
  LEFT JOIN excluded_series AS series ON window_counts.series_no = series.series_no
  GROUP BY window_counts.conversion_no
),

daily AS (
  SELECT
    {%- for column in key %}
    conversions.{{ column }},
    {%- endfor %}
    count(*) AS total_conversions,
    count(CASE WHEN guarded.n_touches > 0 THEN 1 END) AS tracked_conversions,
    count(DISTINCT conversions.user_pseudonym) AS total_users,
    count(DISTINCT CASE WHEN guarded.n_touches > 0 THEN conversions.user_pseudonym END) AS tracked_users
    {%- for rule in rules %},
    CAST(sum(guarded.n_{{ rule }}) AS BIGINT) AS touches_removed_{{ rule }}
    {%- endfor %}
  FROM numbered_conversions AS conversions
  INNER JOIN guarded ON conversions.conversion_no = guarded.conversion_no
  GROUP BY {% for column in key %}conversions.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
)

SELECT
  {%- for column in key %}
  {{ column }},
  {%- endfor %}
  total_conversions,
  tracked_conversions,
  total_users,
  tracked_users,
  {{ ratio('tracked_conversions', 'total_conversions') }} AS tracked_conversion_coverage,
  {{ ratio('tracked_users', 'total_users') }} AS tracked_user_coverage
  {%- for rule in rules %},
  touches_removed_{{ rule }}
  {%- endfor %}
FROM daily
{% endmacro %}
