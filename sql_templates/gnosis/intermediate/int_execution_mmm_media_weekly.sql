{{ config(materialized='table', tags=['mmm']) }}
{%- set series = [] %}
{%- do collect_series(registry('mmm_media_registry'), [], series) %}
{{ mmm_weekly(series, ref('int_execution_mmm_weeks')) }}
