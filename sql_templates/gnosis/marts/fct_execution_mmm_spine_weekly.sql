{{ config(materialized='table', tags=['mmm', 'window:trailing_' ~ var('mmm_spine_days') ~ 'd']) }}
{%- set families = [] %}
{%- do collect_families(families) %}
{{ mmm_spine(ref('int_execution_mmm_weeks'), families) }}
