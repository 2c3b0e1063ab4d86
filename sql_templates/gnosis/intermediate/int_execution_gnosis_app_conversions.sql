{{ config(materialized='table', tags=['mta', 'gnosis_app', 'conversions']) }}
-- Grain: conversion: an event on the chain that mta_conversion_to_event_kind names, on complete days.
SELECT
  events.event_ts AS conversion_ts,
  events.event_date AS conversion_date,
  events.user_pseudonym,
  kinds.conversion_kind,
  events.amount_usd AS conversion_amount_usd,
  events.token_symbol AS conversion_token,
  kinds.conversion_kind || '-' || events.event_dedup_key AS conversion_dedup_key,
  events.provenance_model
FROM {{ ref('int_execution_gnosis_app_events_chain_unified') }} AS events
INNER JOIN {{ ref('mta_conversion_to_event_kind') }} AS kinds ON events.event_kind = kinds.event_kind
