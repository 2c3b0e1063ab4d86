-- Offending rows: days of the spine whose totals over the channels are not those of the sources.
WITH totals AS (
  SELECT
    date,
    sum(touches) AS touches,
    CAST(sum(spend) AS DOUBLE) AS spend,
    sum(attributed_conversions) AS conversions,
    sum(attributed_revenue) AS revenue
  FROM {{ ref('mmm_daily_channel_summary') }}
  GROUP BY date
),

touches AS (
  SELECT
    event_date AS date,
    sum(n_touchpoints) AS touches
  FROM {{ ref('int_touchpoints_daily') }}
  GROUP BY event_date
),

conversions AS (
  SELECT
    conversion_date AS date,
    count(*) AS conversions,
    sum(CAST(conversion_amount AS DOUBLE)) AS revenue
  FROM {{ ref('int_conversions') }}
  GROUP BY conversion_date
),

spend AS (
  {%- if has_source('spend') %}
  SELECT
    date,
    CAST(sum(spend) AS DOUBLE) AS spend
  FROM {{ ref('stg_spend') }}
  GROUP BY date
  {%- else %}
  SELECT
    CAST(NULL AS DATE) AS date,
    CAST(NULL AS DOUBLE) AS spend
  WHERE FALSE
  {%- endif %}
),

compared AS (
  SELECT
    totals.date,
    totals.touches,
    coalesce(touches.touches, 0) AS expected_touches,
    totals.spend,
    coalesce(spend.spend, 0.0) AS expected_spend,
    totals.conversions,
    CAST(coalesce(conversions.conversions, 0) AS DOUBLE) AS expected_conversions,
    totals.revenue,
    coalesce(conversions.revenue, 0.0) AS expected_revenue
  FROM totals
  LEFT JOIN touches ON totals.date = touches.date
  LEFT JOIN spend ON totals.date = spend.date
  LEFT JOIN conversions ON totals.date = conversions.date
)

SELECT
  date,
  touches,
  expected_touches,
  spend,
  expected_spend,
  conversions,
  expected_conversions,
  revenue,
  expected_revenue
FROM compared
WHERE touches <> expected_touches
  OR abs(spend - expected_spend) >= 0.005
  OR abs(conversions - expected_conversions) > 1e-9 * greatest(1.0, expected_conversions)
  OR abs(revenue - expected_revenue) >= 0.005
