{{ config(materialized='table', tags=['staging', 'rejects']) }}
-- Grain: rejected touchpoint.
WITH {{ classified_touchpoints() }}

SELECT
  reason,
  user_id,
  event_ts,
  event_kind,
  event_id,
  event_source,
  campaign,
  interaction,
  identity_role,
  amount,
  _unreadable AS unreadable_values
FROM classified
WHERE reason IS NOT NULL
