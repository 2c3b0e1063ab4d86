{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of validator_apy_daily.
{{ staged_source('validator_apy_daily', {'date': 'DATE', 'apy': 'DOUBLE', 'balance_gno': 'DOUBLE'}) }}
