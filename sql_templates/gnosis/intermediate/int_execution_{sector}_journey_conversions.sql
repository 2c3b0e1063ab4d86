{{ config(materialized='view', time_column='conversion_ts', tags=['mta', sector, 'journeys']) }}
-- Grain: conversion that has a journey: of a person, not of an identity that mta_gp_identity_roles leaves out.
SELECT
  conversion_dedup_key AS conversion_key,
  user_pseudonym,
  {%- if sector == 'gpay' %}
  identity_role,
  {%- endif %}
  conversion_kind,
  conversion_ts,
  conversion_date,
  conversion_amount_usd AS conversion_amount
FROM {{ ref('int_execution_' ~ sector ~ '_conversions') }} AS conversions
{%- if sector == 'gpay' %}
WHERE EXISTS (
  SELECT 1
  FROM {{ ref('mta_gp_identity_roles') }} AS roles
  WHERE roles.identity_role = conversions.identity_role
    AND roles.has_journeys
)
{%- endif %}
