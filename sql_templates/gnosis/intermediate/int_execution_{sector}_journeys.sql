{{ config(
  materialized='incremental',
  time_column='conversion_ts',
  lookback={'int_execution_' ~ sector ~ '_user_events_unified': var('lookbacks') | max},
  tags=['mta', sector, 'journeys']
) }}
{{ journeys_wide(
  touchpoints=ref('int_execution_' ~ sector ~ '_user_events_unified'),
  conversions=ref('int_execution_' ~ sector ~ '_journey_conversions'),
  exclusions=ref('int_execution_' ~ sector ~ '_exclusions'),
  lookbacks=var('lookbacks'),
  half_life_days=7,
  include_touch_at_conversion=var('include_touch_at_conversion'),
  with_role=sector == 'gpay',
  heavy_user_threshold=var('heavy_user_threshold')
) }}
