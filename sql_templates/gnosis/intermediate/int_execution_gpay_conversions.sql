{{ config(materialized='table', time_column='conversion_ts', tags=['mta', 'gpay', 'conversions']) }}
{%- set activity = ref('stg_gpay_activity') %}
-- Grain: conversion of a card wallet x identity of its Safe, on complete days. The first of a kind is the first one
-- over the full history of the Safe.
WITH converting AS (
  {%- for kind in registry('mta_gp_conversion_kinds') %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    {{ literal(kind.conversion_kind) }} AS conversion_kind,
    transfers.safe_pseudonym,
    transfers.event_ts,
    transfers.event_date,
    transfers.amount_usd,
    transfers.token_symbol,
    transfers.transfer_key
  FROM {{ activity }} AS transfers
  {%- if kind.is_first_only %}
  INNER JOIN (
    SELECT
      safe_pseudonym,
      min(transfer_no) AS transfer_no
    FROM {{ activity }}
    WHERE action IN ({{ cell_literals(kind.actions) }})
    GROUP BY safe_pseudonym
  ) AS firsts
    ON transfers.safe_pseudonym = firsts.safe_pseudonym AND transfers.transfer_no = firsts.transfer_no
  {%- else %}
  WHERE transfers.action IN ({{ cell_literals(kind.actions) }})
  {%- endif %}
  {%- endfor %}
)

SELECT
  converting.event_ts AS conversion_ts,
  converting.event_date AS conversion_date,
  identities.user_pseudonym,
  identities.identity_role,
  converting.conversion_kind,
  converting.amount_usd AS conversion_amount_usd,
  converting.token_symbol AS conversion_token,
  converting.conversion_kind
  || '-' || converting.transfer_key
  || '-' || identities.user_pseudonym
  || '-' || identities.identity_role AS conversion_dedup_key,
  'gpay_activity' AS provenance_model
FROM converting
INNER JOIN {{ ref('int_execution_gpay_user_identity_bridge') }} AS identities
  ON converting.safe_pseudonym = identities.gp_safe_pseudonym
WHERE converting.event_ts < {{ as_of }}
