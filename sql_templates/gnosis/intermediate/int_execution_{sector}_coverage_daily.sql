{{ config(
  materialized='incremental',
  time_column='conversion_date',
  lookback={'int_execution_' ~ sector ~ '_user_events_unified': var('coverage_lookback_days')},
  tags=['mta', sector, 'coverage']
) }}
{{ tracked_coverage(
  touchpoints=ref('int_execution_' ~ sector ~ '_user_events_unified'),
  conversions=ref('int_execution_' ~ sector ~ '_conversions'),
  exclusions=ref('int_execution_' ~ sector ~ '_exclusions'),
  key_column='conversion_dedup_key',
  rules=['own_event', 'mechanical_precursor'],
  lookback_days=var('coverage_lookback_days'),
  include_touch_at_conversion=var('include_touch_at_conversion'),
  with_role=sector == 'gpay'
) }}
