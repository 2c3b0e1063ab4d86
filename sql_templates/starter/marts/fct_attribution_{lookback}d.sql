{{ config(materialized='table', tags=['attribution']) }}
{{ attribution(ref('int_credits_' ~ lookback ~ 'd'), as_of, var('attribution_window_days')) }}
