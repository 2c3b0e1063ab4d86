{{ config(materialized='view', time_column='conversion_ts', tags=['attribution', 'journeys']) }}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
{{ journeys_window(ref('int_journeys'), lookback, with_role) }}
