{{ config(materialized='table', tags=['mmm', 'channels']) }}
{%- set widest = var('lookbacks') | max %}
-- Grain: date x channel; every day of the spine x every channel seen before as_of, and '(unattributed)'.
WITH touches AS (
  SELECT
    event_date AS date,
    event_kind AS channel,
    n_touchpoints AS touches
  FROM {{ ref('int_touchpoints_daily') }}
),

spend AS (
  {%- if has_source('spend') %}
  SELECT
    date,
    channel,
    sum(spend) AS spend,
    CAST(sum(impressions) AS BIGINT) AS impressions,
    CAST(sum(clicks) AS BIGINT) AS clicks
  FROM {{ ref('stg_spend') }}
  WHERE date < {{ as_of }}
  GROUP BY date, channel
  {%- else %}
  SELECT
    CAST(NULL AS DATE) AS date,
    CAST(NULL AS VARCHAR) AS channel,
    CAST(NULL AS DECIMAL(38, 6)) AS spend,
    CAST(NULL AS BIGINT) AS impressions,
    CAST(NULL AS BIGINT) AS clicks
  WHERE FALSE
  {%- endif %}
),

-- Last touch, because a day of spend is held against what it brought in last.
attributed AS (
  SELECT
    conversion_date AS date,
    event_kind AS channel,
    sum(last_touch) AS attributed_conversions,
    sum(last_touch * CAST(conversion_amount AS DOUBLE)) AS attributed_revenue
  FROM {{ ref('int_credits_' ~ widest ~ 'd') }}
  WHERE last_touch > 0
  GROUP BY conversion_date, event_kind
),

channels AS (
  SELECT channel FROM touches
  UNION
  SELECT channel FROM spend
  UNION
  SELECT '(unattributed)' AS channel
),

bounds AS (
  {%- if var('spine_start') %}
  SELECT CAST({{ literal(var('spine_start') | string) }} AS DATE) AS first_day
  {%- else %}
  SELECT min(days.date) AS first_day
  FROM (
    SELECT date FROM touches
    UNION ALL
    SELECT date FROM spend
    UNION ALL
    SELECT date FROM attributed
  ) AS days
  {%- endif %}
),

{{ number_ctes(5) }},

calendar AS (
  SELECT {{ add_days('bounds.first_day', 'numbers.n') }} AS date
  FROM bounds
  CROSS JOIN numbers
  WHERE numbers.n < date_diff('day', bounds.first_day, {{ as_of }})
),

spine AS (
  SELECT
    calendar.date,
    channels.channel
  FROM calendar
  CROSS JOIN channels
),

daily AS (
  SELECT
    spine.date,
    spine.channel,
    coalesce(spend.spend, 0) AS spend,
    coalesce(spend.impressions, 0) AS impressions,
    coalesce(spend.clicks, 0) AS clicks,
    coalesce(touches.touches, 0) AS touches,
    coalesce(attributed.attributed_conversions, 0.0) AS attributed_conversions,
    coalesce(attributed.attributed_revenue, 0.0) AS attributed_revenue,
    spend.date IS NOT NULL AS has_spend_data,
    touches.date IS NOT NULL AS has_touch_data,
    attributed.date IS NOT NULL AS has_conversion_data
  FROM spine
  LEFT JOIN spend ON spine.date = spend.date AND spine.channel = spend.channel
  LEFT JOIN touches ON spine.date = touches.date AND spine.channel = touches.channel
  LEFT JOIN attributed ON spine.date = attributed.date AND spine.channel = attributed.channel
)

SELECT
  date,
  channel,
  spend,
  impressions,
  clicks,
  touches,
  attributed_conversions,
  attributed_revenue,
  {{ channel_ratios() | indent(2) }},
  has_spend_data,
  has_touch_data,
  has_conversion_data
FROM daily
