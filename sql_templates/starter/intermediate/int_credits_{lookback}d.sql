{{ config(materialized='incremental', time_column='conversion_ts', tags=['attribution', 'credits']) }}
{{ credits(
  journeys=ref('fct_journeys_' ~ lookback ~ 'd'),
  conversions=ref('int_conversions'),
  direct_kinds=var('direct_kinds')
) }}
