{{ config(materialized='table', time_column='conversion_ts', tags=['mta', 'gnosis_app', 'conversions']) }}
{%- set filters, sources = {}, {} %}
{%- for row in registry('mta_conversion_kinds') %}
{%- do filters.update({row.conversion_kind: row.filter}) %}
{%- endfor %}
{%- for row in registry('mta_event_kinds') %}
{%- do sources.update({row.event_kind: row.event_source}) %}
{%- endfor %}
-- Grain: conversion: an event that mta_conversion_to_event_kind names and the filter of its kind lets through, on
-- complete days.
{%- set arms = [] %}
{%- for row in registry('mta_conversion_to_event_kind') %}
{%- if sources[row.event_kind] == 'chain' or has_source('mixpanel_events') %}
{%- do arms.append(row) %}
{%- endif %}
{%- endfor %}
{%- for row in arms %}
{%- set on_chain = sources[row.event_kind] == 'chain' %}
{{ 'UNION ALL\n' if not loop.first }}SELECT
  event_ts AS conversion_ts,
  event_date AS conversion_date,
  user_pseudonym,
  {{ literal(row.conversion_kind) }} AS conversion_kind,
  {{ 'amount_usd' if on_chain else 'CAST(NULL AS DECIMAL(18, 6))' }} AS conversion_amount_usd,
  {{ 'token_symbol' if on_chain else 'CAST(NULL AS VARCHAR)' }} AS conversion_token,
  {{ literal(row.conversion_kind ~ '-') }} || event_dedup_key AS conversion_dedup_key,
  provenance_model
FROM {{ ref('int_execution_gnosis_app_events_' ~ ('chain' if on_chain else 'mixpanel') ~ '_unified') }}
WHERE event_kind = {{ literal(row.event_kind) }}
  {%- if filters[row.conversion_kind] %}
  AND ({{ filters[row.conversion_kind] }})
  {%- endif %}
{%- else %}
SELECT
  CAST(NULL AS TIMESTAMP) AS conversion_ts,
  CAST(NULL AS DATE) AS conversion_date,
  CAST(NULL AS VARCHAR) AS user_pseudonym,
  CAST(NULL AS VARCHAR) AS conversion_kind,
  CAST(NULL AS DECIMAL(18, 6)) AS conversion_amount_usd,
  CAST(NULL AS VARCHAR) AS conversion_token,
  CAST(NULL AS VARCHAR) AS conversion_dedup_key,
  CAST(NULL AS VARCHAR) AS provenance_model
WHERE FALSE
{%- endfor %}
