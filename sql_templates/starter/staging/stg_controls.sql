{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: accepted control value.
WITH {{ classified_controls() }}

SELECT
  date,
  control_name,
  value
FROM classified
WHERE reason IS NULL
