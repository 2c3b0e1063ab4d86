{{ config(
  materialized='table',
  internal_only=true,
  tags=['mta', 'gnosis_app', 'privacy:tier_internal'],
  meta={'expose_to_mcp': false}
) }}
-- Grain: address. Rows of one address in several spellings are one user, seen from the first to the last of them.
WITH spelled AS (
  SELECT
    {{ normalized('address') }} AS address,
    first_seen_at,
    last_seen_at,
    ';' || coalesce({{ normalized('heuristic_kinds') }}, '') || ';' AS heuristic_kinds,
    heuristic_hits
  FROM {{ source('users_current') }}
  WHERE {{ usable('users_current') | indent(2) }}
),

users AS (
  SELECT
    address,
    min(first_seen_at) AS first_seen_at,
    max(coalesce(last_seen_at, first_seen_at)) AS last_seen_at,
    CAST(sum(coalesce(heuristic_hits, 0)) AS BIGINT) AS heuristic_hits
  FROM spelled
  GROUP BY address
),

-- Grain: address x heuristic kind.
user_heuristics AS (
  SELECT DISTINCT
    spelled.address,
    kinds.heuristic_kind
  FROM spelled
  CROSS JOIN (
    SELECT replace(event_kind, 'chain.', '') AS heuristic_kind
    FROM {{ ref('mta_event_kinds') }}
    WHERE is_heuristic
  ) AS kinds
  WHERE strpos(spelled.heuristic_kinds, ';' || kinds.heuristic_kind || ';') > 0
),

heuristics AS (
  SELECT
    address,
    string_agg(heuristic_kind, ';' ORDER BY heuristic_kind) AS heuristic_kinds,
    count(*) AS n_distinct_heuristics
  FROM user_heuristics
  GROUP BY address
)

SELECT
  users.address,
  pseudonymize(users.address) AS user_pseudonym,
  users.first_seen_at,
  users.last_seen_at,
  heuristics.heuristic_kinds,
  users.heuristic_hits,
  coalesce(heuristics.n_distinct_heuristics, 0) AS n_distinct_heuristics
FROM users
LEFT JOIN heuristics ON users.address = heuristics.address
