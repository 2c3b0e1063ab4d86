{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of staked_daily.
{{ staged_source('staked_daily', {'date': 'DATE', 'gno_staked': 'DOUBLE'}) }}
