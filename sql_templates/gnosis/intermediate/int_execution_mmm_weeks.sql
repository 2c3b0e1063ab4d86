{{ config(materialized='table', tags=['mmm']) }}
-- Grain: week; every week that lies within mmm_spine_days before the end of the last complete week.
WITH bounds AS (
  SELECT
    {{ first_monday(add_days(monday(as_of), -var('mmm_spine_days'))) }} AS first_week,
    {{ monday(as_of) }} AS end_week
),

{{ number_ctes(4) }},

weeks AS (
  SELECT
    {{ add_days('bounds.first_week', '7 * numbers.n') }} AS week,
    numbers.n AS week_index
  FROM bounds
  CROSS JOIN numbers
  WHERE 7 * numbers.n < date_diff('day', bounds.first_week, bounds.end_week)
),

holiday_weeks AS (
  SELECT DISTINCT {{ monday('week') }} AS week
  FROM {{ ref('mmm_holiday_weeks') }}
),

hardfork_counts AS (
  SELECT
    weeks.week,
    count(*) AS n_hardforks
  FROM weeks
  INNER JOIN {{ ref('mmm_hardfork_steps') }} AS hardforks
    ON hardforks.fork_date < {{ add_days('weeks.week', 7) }}
  GROUP BY weeks.week
)

SELECT
  weeks.week,
  CAST(weeks.week_index AS BIGINT) AS week_index,
  {{ iso_week_number('weeks.week') }} AS week_of_year,
  CAST(CASE WHEN holiday_weeks.week IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS is_holiday_week,
  coalesce(hardfork_counts.n_hardforks, 0) AS hardfork_step
FROM weeks
LEFT JOIN holiday_weeks ON weeks.week = holiday_weeks.week
LEFT JOIN hardfork_counts ON weeks.week = hardfork_counts.week
