{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of transactions_info_daily.
{{ staged_source('transactions_info_daily', {'date': 'DATE', 'n_txs': 'BIGINT', 'gas_price_median': 'DOUBLE'}) }}
