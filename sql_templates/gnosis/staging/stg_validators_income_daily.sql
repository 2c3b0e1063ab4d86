{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of validators_income_daily.
{{ staged_source('validators_income_daily', {'date': 'DATE', 'income_gno': 'DOUBLE'}) }}
