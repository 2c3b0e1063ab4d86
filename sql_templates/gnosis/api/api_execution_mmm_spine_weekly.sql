{{ config(materialized='view', tags=[
  'mmm',
  'api',
  'api:mmm_spine',
  'tier1',
  'granularity:weekly',
  'window:trailing_' ~ var('mmm_spine_days') ~ 'd',
]) }}
{%- set families = [] %}
{%- do collect_families(families) %}
-- Grain: week, as in fct_execution_mmm_spine_weekly.
SELECT
  week,
  {%- for family in families %}
  {%- for item in family.series %}
  {{ family.prefix }}_{{ item.name }},
  {%- endfor %}
  {%- endfor %}
  {{ as_of }} AS as_of_date
FROM {{ ref('fct_execution_mmm_spine_weekly') }}
