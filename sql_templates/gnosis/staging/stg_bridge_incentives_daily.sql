{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of bridge_incentives_daily.
{{ staged_source('bridge_incentives_daily', {'date': 'DATE', 'outlay_usd': 'DOUBLE'}) }}
