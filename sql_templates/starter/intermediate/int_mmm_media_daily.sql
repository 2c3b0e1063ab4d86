{{ config(materialized='incremental', time_column='day', tags=['mmm']) }}
{%- set series, of_touchpoints = [], [] %}
{%- do registered_series('mmm_media_registry', series) %}
{%- do series_of_touchpoints(series, of_touchpoints) %}
{{ mmm_daily(of_touchpoints, time_column='event_ts') }}
