{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: usable row of gnosis_app_users_daily.
{{ staged_source('gnosis_app_users_daily', {'date': 'DATE', 'active_users': 'BIGINT', 'new_users': 'BIGINT'}) }}
