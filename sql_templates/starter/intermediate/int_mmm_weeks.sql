{{ config(materialized='table', tags=['mmm']) }}
-- Grain: week; every complete week from the first one with data (or spine_start) to the last one before as_of.
WITH first_days AS (
  {%- if var('spine_start') %}
  SELECT CAST({{ literal(var('spine_start') | string) }} AS DATE) AS day
  {%- else %}
  SELECT min(event_date) AS day FROM {{ ref('int_touchpoints_daily') }}
  UNION ALL
  SELECT min(conversion_date) AS day FROM {{ ref('stg_conversions') }}
  {%- if has_source('spend') %}
  UNION ALL
  SELECT min(date) AS day FROM {{ ref('stg_spend') }}
  {%- endif %}
  {%- if has_source('kpis') %}
  UNION ALL
  SELECT min(week) AS day FROM {{ ref('stg_kpis') }}
  {%- endif %}
  {%- endif %}
),

bounds AS (
  SELECT
    {{ first_monday('min(day)') }} AS first_week,
    {{ monday(as_of) }} AS end_week
  FROM first_days
),

{{ number_ctes(4) }},

weeks AS (
  SELECT
    {{ add_days('bounds.first_week', '7 * numbers.n') }} AS week,
    numbers.n AS week_index
  FROM bounds
  CROSS JOIN numbers
  WHERE 7 * numbers.n < date_diff('day', bounds.first_week, bounds.end_week)
)

SELECT
  week,
  CAST(week_index AS BIGINT) AS week_index,
  {{ iso_week_number('week') }} AS week_of_year
FROM weeks
