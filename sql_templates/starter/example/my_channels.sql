-- Grain: one row per channel. A model of your own: reads other models with ref(), is built with everything else.
{{ config(materialized='table', tags=['mine']) }}

SELECT
  event_kind AS channel,
  SUM(last_touch) AS last_touch_conversions,
  SUM(time_decay) AS time_decay_conversions
FROM {{ ref('fct_attribution_30d') }}
GROUP BY event_kind
