{{ config(materialized='table', tags=['mta', 'gnosis_app', 'funnel']) }}
{%- set events = ref('int_execution_gnosis_app_user_events_unified') %}
{%- set steps = [] %}
{%- for row in registry('mta_funnels') %}
{%- do steps.append(dict(row, stream='touchpoint', interaction='')) %}
{%- endfor %}
{{ funnel_daily(events, events, steps, with_role=false) }}
