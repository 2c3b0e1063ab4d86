{{ config(materialized='table', tags=['staging', 'rejects']) }}
-- Grain: rejected KPI value.
WITH {{ classified_kpis() }}

SELECT
  reason,
  date,
  week,
  kpi_name,
  value,
  _unreadable AS unreadable_values
FROM classified
WHERE reason IS NOT NULL
