{{ config(materialized='table', tags=['mta', 'gnosis_app', 'touchpoints']) }}
-- Grain: event of the app's interface, in production, of an identified and known user, on complete days.
WITH events AS (
  SELECT
    event_time AS event_ts,
    {{ normalized('user_id_hash') }} AS user_pseudonym,
    'mp.' || coalesce(lower({{ text_or_null('event_category') }}), 'other') AS event_kind,
    {{ text_or_null('event_name') }} AS event_subkind,
    {{ text_or_null('insert_id') }} AS insert_id,
    {{ text_or_null('device_type') }} AS device_type,
    {{ text_or_null('country_code') }} AS country_code,
    {{ text_or_null('page_path') }} AS page_path,
    {{ text_or_null('bottom_sheet') }} AS bottom_sheet
  FROM {{ source('mixpanel_events') }}
  WHERE {{ usable('mixpanel_events') | indent(2) }}
    AND is_production
    AND is_identified
    AND event_time < {{ as_of }}
),

numbered AS (
  SELECT
    event_ts,
    user_pseudonym,
    event_kind,
    event_subkind,
    insert_id,
    device_type,
    country_code,
    page_path,
    bottom_sheet,
    row_number() OVER (
      PARTITION BY insert_id
      ORDER BY event_ts, user_pseudonym, event_kind, event_subkind NULLS LAST, page_path NULLS LAST
    ) AS copy_no
  FROM events
  WHERE EXISTS (
    SELECT 1
    FROM {{ ref('int_execution_gnosis_app_user_identity_bridge') }} AS users
    WHERE users.user_pseudonym = events.user_pseudonym
  )
)

SELECT
  event_ts,
  CAST(event_ts AS DATE) AS event_date,
  user_pseudonym,
  'mixpanel' AS event_source,
  event_kind,
  event_subkind,
  'mixpanel-' || insert_id AS event_dedup_key,
  'mixpanel_events' AS provenance_model,
  device_type,
  country_code,
  page_path,
  bottom_sheet
FROM numbered
WHERE copy_no = 1
