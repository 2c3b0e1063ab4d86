-- Offending rows: conversion_date x conversion_kind x lookback whose coverage does not count the conversions that happened.
WITH happened AS (
  SELECT
    conversion_date,
    conversion_kind,
    count(*) AS conversions
  FROM {{ ref('int_conversions') }}
  GROUP BY conversion_date, conversion_kind
),

expected AS (
  {%- for days in var('lookbacks') %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    {{ days }} AS lookback_days,
    conversion_date,
    conversion_kind,
    conversions
  FROM happened
  {%- endfor %}
)

SELECT
  expected.conversion_date,
  expected.conversion_kind,
  expected.lookback_days,
  expected.conversions,
  coverage.conversions AS covered_conversions
FROM expected
LEFT JOIN {{ ref('fct_coverage_daily') }} AS coverage
  ON expected.conversion_date = coverage.conversion_date
  AND expected.conversion_kind = coverage.conversion_kind
  AND expected.lookback_days = coverage.lookback_days
WHERE NOT coalesce(expected.conversions = coverage.conversions, FALSE)
