{{ config(materialized='incremental', time_column='conversion_ts', tags=['mta', sector, 'credits']) }}
{{ credits(
  journeys=ref('fct_execution_' ~ sector ~ '_journeys_' ~ lookback ~ 'd'),
  conversions=ref('int_execution_' ~ sector ~ '_journey_conversions'),
  direct_kinds=[],
  with_role=sector == 'gpay'
) }}
