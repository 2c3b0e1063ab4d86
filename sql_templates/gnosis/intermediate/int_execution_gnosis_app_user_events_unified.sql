{{ config(materialized='table', time_column='event_ts', tags=['mta', 'gnosis_app', 'touchpoints']) }}
-- Grain: event of a known user, on complete days, from the chain or the app's interface.
SELECT
  event_ts,
  event_date,
  user_pseudonym,
  event_source,
  event_kind,
  event_subkind,
  amount_usd,
  event_dedup_key,
  provenance_model,
  CAST(NULL AS VARCHAR) AS device_type,
  CAST(NULL AS VARCHAR) AS country_code,
  CAST(NULL AS VARCHAR) AS page_path,
  CAST(NULL AS VARCHAR) AS bottom_sheet
FROM {{ ref('int_execution_gnosis_app_events_chain_unified') }}
{%- if has_source('mixpanel_events') %}
UNION ALL
SELECT
  event_ts,
  event_date,
  user_pseudonym,
  event_source,
  event_kind,
  event_subkind,
  CAST(NULL AS DECIMAL(18, 6)) AS amount_usd,
  event_dedup_key,
  provenance_model,
  device_type,
  country_code,
  page_path,
  bottom_sheet
FROM {{ ref('int_execution_gnosis_app_events_mixpanel_unified') }}
{%- endif %}
