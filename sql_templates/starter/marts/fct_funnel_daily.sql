{{ config(
  materialized='incremental',
  time_column='entry_date',
  lookahead=funnel_lookahead(registry('funnels')) | int,
  tags=['funnel']
) }}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
{{ funnel_daily(ref('stg_touchpoints'), ref('int_conversions'), registry('funnels'), with_role) }}
