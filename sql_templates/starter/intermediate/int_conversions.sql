{{ config(materialized='view', time_column='conversion_ts', tags=['attribution']) }}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
-- Grain: conversion of a complete day. Everything after staging reads conversions here.
SELECT
  conversion_key,
  user_pseudonym,
  {%- if with_role %}
  identity_role,
  {%- endif %}
  conversion_kind,
  conversion_ts,
  conversion_date,
  conversion_amount,
  currency
FROM {{ ref('stg_conversions') }}
WHERE conversion_date < {{ as_of }}
