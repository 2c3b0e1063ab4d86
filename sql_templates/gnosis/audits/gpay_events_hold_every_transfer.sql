-- Offending rows: days on which the events of the Safes themselves are not the transfers of that day.
WITH both_sides AS (
  SELECT
    event_date,
    1 AS n_transfers,
    0 AS n_events
  FROM {{ ref('stg_gpay_activity') }}
  WHERE event_ts < {{ as_of }}
  UNION ALL
  SELECT
    event_date,
    0 AS n_transfers,
    1 AS n_events
  FROM {{ ref('int_execution_gpay_user_events_unified') }}
  WHERE identity_role = 'safe_self'
),

compared AS (
  SELECT
    event_date,
    sum(n_transfers) AS n_transfers,
    sum(n_events) AS n_events
  FROM both_sides
  GROUP BY event_date
)

SELECT
  event_date,
  n_transfers,
  n_events
FROM compared
WHERE n_transfers <> n_events
