{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of pools_daily.
{{ staged_source('pools_daily', {
  'date': 'DATE', 'pool': 'VARCHAR', 'tvl_usd': 'DOUBLE', 'volume_usd_daily': 'DOUBLE', 'fee_apr_7d': 'DOUBLE',
}) }}
