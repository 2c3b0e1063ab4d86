{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of lm_rewards_daily.
{{ staged_source('lm_rewards_daily', {'date': 'DATE', 'outlay_usd': 'DOUBLE'}) }}
