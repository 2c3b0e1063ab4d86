{#
Coverage: how much of what converted has a journey at all, and how often its first or last touch is a tie.
`journeys` is the wide relation of `journeys_wide`, so one pass serves every lookback. A row counts the conversions of
its own day, so a batch reads no others.
#}
{% macro coverage_daily(journeys, conversions, lookbacks) %}
{%- set lookback_days = lookbacks | map('int') | unique | sort -%}
-- Grain: conversion_date x conversion_kind x lookback_days.
WITH journey_edges AS (
  SELECT
    conversion_key
    {%- for days in lookback_days %},
    min(first_touch_ts_{{ days }}d) AS first_touch_ts_{{ days }}d,
    max(last_touch_ts_{{ days }}d) AS last_touch_ts_{{ days }}d
    {%- endfor %}
  FROM {{ journeys }}
  {%- if is_incremental() %}
  WHERE {{ in_batch('conversion_ts') }}
  {%- endif %}
  GROUP BY conversion_key
),

edge_kinds AS (
  SELECT
    journeys.conversion_key
    {%- for days in lookback_days %},
    count(
      CASE WHEN journeys.first_touch_ts_{{ days }}d = edges.first_touch_ts_{{ days }}d THEN 1 END
    ) AS n_first_kinds_{{ days }}d,
    count(
      CASE WHEN journeys.last_touch_ts_{{ days }}d = edges.last_touch_ts_{{ days }}d THEN 1 END
    ) AS n_last_kinds_{{ days }}d
    {%- endfor %}
  FROM {{ journeys }} AS journeys
  INNER JOIN journey_edges AS edges ON journeys.conversion_key = edges.conversion_key
  {%- if is_incremental() %}
  WHERE {{ in_batch('journeys.conversion_ts') }}
  {%- endif %}
  GROUP BY journeys.conversion_key
),

tracked_conversions AS (
  {%- for days in lookback_days %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    conversions.conversion_date,
    conversions.conversion_kind,
    conversions.user_pseudonym,
    {{ days }} AS lookback_days,
    coalesce(edge_kinds.n_first_kinds_{{ days }}d, 0) AS n_first_kinds,
    coalesce(edge_kinds.n_last_kinds_{{ days }}d, 0) AS n_last_kinds
  FROM {{ conversions }} AS conversions
  LEFT JOIN edge_kinds ON conversions.conversion_key = edge_kinds.conversion_key
  {%- if is_incremental() %}
  WHERE {{ in_batch('conversions.conversion_ts') }}
  {%- endif %}
  {%- endfor %}
),

daily AS (
  SELECT
    conversion_date,
    conversion_kind,
    lookback_days,
    count(*) AS conversions,
    count(CASE WHEN n_first_kinds > 0 THEN 1 END) AS conversions_with_touch,
    count(DISTINCT user_pseudonym) AS users,
    count(DISTINCT CASE WHEN n_first_kinds > 0 THEN user_pseudonym END) AS users_with_touch,
    count(CASE WHEN n_first_kinds > 1 THEN 1 END) AS first_tied_conversions,
    count(CASE WHEN n_last_kinds > 1 THEN 1 END) AS last_tied_conversions,
    count(CASE WHEN n_first_kinds > 1 OR n_last_kinds > 1 THEN 1 END) AS tied_conversions
  FROM tracked_conversions
  GROUP BY conversion_date, conversion_kind, lookback_days
)

SELECT
  conversion_date,
  conversion_kind,
  CAST(lookback_days AS BIGINT) AS lookback_days,
  conversions,
  conversions_with_touch,
  users,
  users_with_touch,
  {{ ratio('conversions_with_touch', 'conversions') }} AS conversion_coverage,
  {{ ratio('users_with_touch', 'users') }} AS user_coverage,
  first_tied_conversions,
  last_tied_conversions,
  {{ ratio('tied_conversions', 'conversions_with_touch') }} AS tie_rate
FROM daily
{% endmacro %}
