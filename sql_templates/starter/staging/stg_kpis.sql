{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: accepted KPI value.
WITH {{ classified_kpis() }}

SELECT
  coalesce(date, week) AS kpi_date,
  {{ monday('coalesce(date, week)') }} AS week,
  kpi_name,
  value
FROM classified
WHERE reason IS NULL
