{%- set steps = [] %}
{%- for row in registry('mta_funnels') %}
{%- do steps.append(dict(row, stream='touchpoint', interaction='')) %}
{%- endfor %}
{{- config(
  materialized='incremental',
  time_column='entry_date',
  lookahead=funnel_lookahead(steps, 'touchpoint') | int,
  tags=['mta', 'gnosis_app', 'funnel']
) }}
{%- set events = ref('int_execution_gnosis_app_user_events_unified') %}
{{ funnel_daily(events, events, steps, with_role=false) }}
