{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: accepted spend row.
WITH {{ classified_spend() }}

SELECT
  date,
  channel,
  platform,
  campaign,
  spend,
  impressions,
  clicks
FROM classified
WHERE reason IS NULL
