{{ config(materialized='table', tags=['mta', sector]) }}
{%- set exclusions = [] %}
{%- do collect_exclusions(sector, exclusions) %}
-- Grain: conversion_kind x event_kind that never credits it.
{%- for row in exclusions %}
{{ 'UNION ALL\n' if not loop.first }}SELECT
  {{ literal(row.conversion_kind) }} AS conversion_kind,
  {{ literal(row.event_kind) }} AS event_kind,
  {{ literal(row.rule) }} AS rule
{%- else %}
SELECT
  CAST(NULL AS VARCHAR) AS conversion_kind,
  CAST(NULL AS VARCHAR) AS event_kind,
  CAST(NULL AS VARCHAR) AS rule
WHERE FALSE
{%- endfor %}
