{{ config(materialized='view', tags=[
  'mta',
  sector,
  'api',
  'api:' ~ sector ~ '_attribution',
  'tier1',
  'granularity:rolling_' ~ var('attribution_window_days') ~ 'd',
  'window:' ~ lookback ~ 'd',
]) }}
-- Grain: that of fct_execution_{{ sector }}_attribution_{{ lookback }}d.
SELECT
  conversion_kind,
  {%- if sector == 'gpay' %}
  identity_role,
  {%- endif %}
  event_kind,
  conversions_with_touch,
  first_touch,
  last_touch,
  linear,
  time_decay_hl_7d,
  total_conversions,
  computed_at,
  CAST(computed_at AS DATE) AS as_of_date
FROM {{ ref('fct_execution_' ~ sector ~ '_attribution_' ~ lookback ~ 'd') }}
