{{ config(
  materialized='incremental',
  time_column='entry_date',
  lookahead={
    'stg_touchpoints': funnel_lookahead(registry('funnels'), 'touchpoint') | int,
    'int_conversions': funnel_lookahead(registry('funnels'), 'conversion') | int,
  },
  tags=['funnel']
) }}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
{{ funnel_daily(ref('stg_touchpoints'), ref('int_conversions'), registry('funnels'), with_role) }}
