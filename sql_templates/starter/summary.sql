-- Grain: one row per channel. The table that ends a build: what a channel costs and what each model gives it.
{%- set widest = var('lookbacks') | max %}
{%- set window = var('attribution_window_days') %}
{{ config(meta={
  'title': 'Channels, last %d days: conversions by model, revenue by time decay, return on spend (touches %d days back)' | format(window, widest),
  'next': [
    'measure show fct_attribution_%dd      every model, kind by kind' | format(widest),
    'measure sql fct_attribution_%dd       the SQL behind it' | format(widest),
    'measure init my-project               a project of your own, ready to change',
  ]
}) }}

WITH attribution AS (
  SELECT
    event_kind AS channel,
    SUM(first_touch) AS first_touch,
    SUM(time_decay) AS time_decay,
    SUM(last_touch) AS last_touch,
    SUM(first_touch_amount) AS first_touch_amount,
    SUM(time_decay_amount) AS time_decay_amount,
    SUM(last_touch_amount) AS last_touch_amount
  FROM {{ ref('fct_attribution_%dd' | format(widest)) }}
  GROUP BY event_kind
),
spend AS (
{%- if has_source('spend') %}
  SELECT
    channel,
    CAST(SUM(spend) AS DOUBLE) AS spend
  FROM {{ ref('stg_spend') }}
  WHERE date < {{ as_of }}
    AND date >= CAST({{ as_of }} - INTERVAL ({{ window }}) DAY AS DATE)
  GROUP BY channel
{%- else %}
  SELECT
    CAST(NULL AS VARCHAR) AS channel,
    CAST(NULL AS DOUBLE) AS spend
  WHERE FALSE
{%- endif %}
)
SELECT
  attribution.channel,
  spend.spend,
  attribution.first_touch,
  attribution.time_decay,
  attribution.last_touch,
  attribution.time_decay_amount AS revenue,
  attribution.first_touch_amount / NULLIF(spend.spend, 0) AS roas_first,
  attribution.last_touch_amount / NULLIF(spend.spend, 0) AS roas_last
FROM attribution
LEFT JOIN spend ON spend.channel = attribution.channel
ORDER BY attribution.channel = '(unattributed)', attribution.time_decay DESC, attribution.channel
