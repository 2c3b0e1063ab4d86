{{ config(
  materialized='incremental',
  time_column='conversion_ts',
  lookback={'stg_touchpoints': var('lookbacks') | max},
  tags=['attribution', 'journeys']
) }}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
{{ journeys_wide(
  touchpoints=ref('stg_touchpoints'),
  conversions=ref('int_conversions'),
  exclusions=ref('conversion_to_event_kind'),
  lookbacks=var('lookbacks'),
  half_life_days=var('half_life_days'),
  include_touch_at_conversion=var('include_touch_at_conversion'),
  with_role=with_role,
  heavy_user_threshold=var('heavy_user_threshold')
) }}
