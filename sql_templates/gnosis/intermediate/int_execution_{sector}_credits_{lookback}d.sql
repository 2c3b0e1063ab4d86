{{ config(materialized='view', tags=['mta', sector, 'credits']) }}
{{ credits(
  journeys=ref('fct_execution_' ~ sector ~ '_journeys_' ~ lookback ~ 'd'),
  conversions=ref('int_execution_' ~ sector ~ '_journey_conversions'),
  direct_kinds=[],
  with_role=sector == 'gpay'
) }}
