{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of bridges_netflow_weekly.
{{ staged_source('bridges_netflow_weekly', {
  'week': 'DATE', 'bridge': 'VARCHAR', 'inflow_usd': 'DOUBLE', 'outflow_usd': 'DOUBLE',
}) }}
