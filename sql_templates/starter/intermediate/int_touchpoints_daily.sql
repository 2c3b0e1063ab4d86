{{ config(materialized='incremental', time_column='event_date', tags=['mmm', 'channels']) }}
-- Grain: event_date x event_kind. Touchpoints are the largest input: what only counts them reads these counts.
SELECT
  event_date,
  event_kind,
  count(*) AS n_touchpoints
FROM {{ ref('stg_touchpoints') }}
{%- if is_incremental() %}
WHERE {{ in_batch('event_ts') }}
{%- endif %}
GROUP BY event_date, event_kind
