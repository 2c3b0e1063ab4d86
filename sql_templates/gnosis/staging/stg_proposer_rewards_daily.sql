{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of proposer_rewards_daily.
{{ staged_source('proposer_rewards_daily', {'date': 'DATE', 'rewards_gno': 'DOUBLE', 'blocks_proposed': 'BIGINT'}) }}
