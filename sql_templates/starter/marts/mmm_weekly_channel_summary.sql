{{ config(materialized='table', tags=['mmm', 'channels']) }}
-- Grain: week_start_date x channel; the first and the last week may be short, days_in_week tells.
WITH weekly AS (
  SELECT
    {{ monday('date') }} AS week_start_date,
    channel,
    sum(spend) AS spend,
    CAST(sum(impressions) AS BIGINT) AS impressions,
    CAST(sum(clicks) AS BIGINT) AS clicks,
    CAST(sum(touches) AS BIGINT) AS touches,
    sum(attributed_conversions) AS attributed_conversions,
    sum(attributed_revenue) AS attributed_revenue,
    count(CASE WHEN has_spend_data THEN 1 END) AS days_with_spend,
    count(CASE WHEN has_touch_data THEN 1 END) AS days_with_touches,
    count(CASE WHEN has_conversion_data THEN 1 END) AS days_with_conversions,
    count(*) AS days_in_week
  FROM {{ ref('mmm_daily_channel_summary') }}
  GROUP BY {{ monday('date') }}, channel
)

SELECT
  week_start_date,
  channel,
  spend,
  impressions,
  clicks,
  touches,
  attributed_conversions,
  attributed_revenue,
  {{ channel_ratios() | indent(2) }},
  days_with_spend,
  days_with_touches,
  days_with_conversions,
  days_in_week
FROM weekly
