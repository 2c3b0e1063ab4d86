{{ config(materialized='table', tags=['mmm']) }}
{%- set series = [] %}
{%- do registered_series('mmm_control_registry', series) %}
{{ mmm_weekly(series, ref('int_mmm_weeks')) }}
