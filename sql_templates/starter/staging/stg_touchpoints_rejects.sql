{{ config(
  materialized='table' if has_column('touchpoints', 'event_id') else 'incremental',
  time_column='filed_on',
  complete_days=false,
  undated='1970-01-01',
  tags=['staging', 'rejects']
) }}
-- Grain: rejected touchpoint.
WITH {{ classified_touchpoints() }}

SELECT
  reason,
  {{ filing_day('event_ts') }} AS filed_on,
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
