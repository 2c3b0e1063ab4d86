{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of trades_by_protocol_daily.
{{ staged_source('trades_by_protocol_daily', {'date': 'DATE', 'protocol': 'VARCHAR', 'volume_usd': 'DOUBLE'}) }}
