{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of gpay_topups_weekly.
{{ staged_source('gpay_topups_weekly', {'week': 'DATE', 'n_topups': 'BIGINT', 'volume_usd': 'DOUBLE'}) }}
