{{ config(materialized='table', tags=['staging', 'rejects']) }}
-- Grain: rejected spend row.
WITH {{ classified_spend() }}

SELECT
  reason,
  date,
  channel,
  platform,
  campaign,
  spend,
  impressions,
  clicks,
  _unreadable AS unreadable_values
FROM classified
WHERE reason IS NOT NULL
