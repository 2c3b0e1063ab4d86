{{ config(materialized='table', tags=['mmm']) }}
{%- set series, of_touchpoints = [], [] %}
{%- do registered_series('mmm_media_registry', series) %}
{%- do series_of_touchpoints(series, of_touchpoints) %}
{{ mmm_weekly(series, ref('int_mmm_weeks'), of_touchpoints, ref('int_mmm_media_daily')) }}
