{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of gpay_activity_weekly.
{{ staged_source('gpay_activity_weekly', {
  'week': 'DATE', 'active_users': 'BIGINT', 'payment_volume_usd': 'DOUBLE', 'cashback_usd': 'DOUBLE',
}) }}
