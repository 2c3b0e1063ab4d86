-- Grain: sector x event_kind. The table that ends a build: what each model gives to an event kind.
{%- set widest = var('lookbacks') | max %}
{%- set window = var('attribution_window_days') %}
{{ config(meta={
  'title': 'Touchpoints, last %d days: conversions by model (touches %d days back; card wallets as safe_self)' | format(window, widest),
  'next': [
    'measure show api_execution_gnosis_app_attribution_%dd      the same by conversion kind' | format(widest),
    'measure show fct_execution_mmm_spine_weekly               the weekly frame for a marketing-mix model',
    'measure show int_execution_gpay_coverage_daily            what is tracked, by role',
  ]
}) }}
WITH attribution AS (
  SELECT
    CAST(NULL AS VARCHAR) AS sector,
    CAST(NULL AS VARCHAR) AS event_kind,
    CAST(NULL AS DOUBLE) AS first_touch,
    CAST(NULL AS DOUBLE) AS linear,
    CAST(NULL AS DOUBLE) AS time_decay_hl_7d,
    CAST(NULL AS DOUBLE) AS last_touch
  WHERE FALSE
  {%- for sector, source_name in [('gnosis_app', 'users_current'), ('gpay', 'gpay_activity')] if has_source(source_name) %}
  UNION ALL
  SELECT
    '{{ sector }}' AS sector,
    event_kind,
    first_touch,
    linear,
    time_decay_hl_7d,
    last_touch
  FROM {{ ref('fct_execution_%s_attribution_%dd' | format(sector, widest)) }}
  {%- if sector == 'gpay' %}
  WHERE identity_role = 'safe_self'
  {%- endif %}
  {%- endfor %}
)

SELECT
  sector,
  event_kind,
  sum(first_touch) AS first_touch,
  sum(linear) AS linear,
  sum(time_decay_hl_7d) AS time_decay,
  sum(last_touch) AS last_touch
FROM attribution
GROUP BY sector, event_kind
ORDER BY sector, sum(time_decay_hl_7d) DESC, event_kind
