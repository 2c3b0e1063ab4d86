{{ config(severity='warn') }}
-- Offending row: the interface has events, and not one is of a known user: another hash or salt made their pseudonyms.
SELECT
  logged.n_events,
  kept.n_events_of_known_users
FROM (
  SELECT count(*) AS n_events
  FROM {{ source('mixpanel_events') }}
  WHERE {{ usable('mixpanel_events') | indent(4) }}
    AND is_production
    AND is_identified
    AND event_time < {{ as_of }}
) AS logged
CROSS JOIN (
  SELECT count(*) AS n_events_of_known_users
  FROM {{ ref('int_execution_gnosis_app_events_mixpanel_unified') }}
) AS kept
WHERE logged.n_events > 0 AND kept.n_events_of_known_users = 0
