{{ config(materialized='table', tags=['staging', 'rejects']) }}
-- Grain: rejected control value.
WITH {{ classified_controls() }}

SELECT
  reason,
  date,
  control_name,
  value,
  _unreadable AS unreadable_values
FROM classified
WHERE reason IS NOT NULL
