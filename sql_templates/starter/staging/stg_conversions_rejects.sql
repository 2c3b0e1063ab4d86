{{ config(materialized='table', tags=['staging', 'rejects']) }}
-- Grain: rejected conversion.
WITH {{ classified_conversions() }}

SELECT
  reason,
  user_id,
  conversion_ts,
  conversion_kind,
  conversion_id,
  currency,
  identity_role,
  amount,
  _unreadable AS unreadable_values
FROM classified
WHERE reason IS NOT NULL
