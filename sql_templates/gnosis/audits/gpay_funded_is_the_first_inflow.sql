-- Offending rows: conversion kind x Safe whose conversion is not exactly its first transfer of that kind ever.
WITH firsts AS (
  {%- for kind in registry('mta_gp_conversion_kinds') if kind.is_first_only %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    {{ literal(kind.conversion_kind) }} AS conversion_kind,
    safe_pseudonym,
    min(event_ts) AS first_ts
  FROM {{ ref('stg_gpay_activity') }}
  WHERE action IN ({{ cell_literals(kind.actions) }})
  GROUP BY safe_pseudonym
  {%- else %}
  SELECT
    CAST(NULL AS VARCHAR) AS conversion_kind,
    CAST(NULL AS VARCHAR) AS safe_pseudonym,
    CAST(NULL AS TIMESTAMP) AS first_ts
  WHERE FALSE
  {%- endfor %}
),

both_sides AS (
  SELECT
    conversion_kind,
    safe_pseudonym,
    first_ts,
    CAST(NULL AS TIMESTAMP) AS conversion_ts
  FROM firsts
  WHERE first_ts < {{ as_of }}
  UNION ALL
  SELECT
    conversion_kind,
    user_pseudonym AS safe_pseudonym,
    CAST(NULL AS TIMESTAMP) AS first_ts,
    conversion_ts
  FROM {{ ref('int_execution_gpay_conversions') }} AS conversions
  WHERE identity_role = 'safe_self'
    AND EXISTS (SELECT 1 FROM firsts WHERE firsts.conversion_kind = conversions.conversion_kind)
),

compared AS (
  SELECT
    conversion_kind,
    safe_pseudonym,
    min(first_ts) AS first_ts,
    min(conversion_ts) AS conversion_ts,
    count(conversion_ts) AS n_conversions
  FROM both_sides
  GROUP BY conversion_kind, safe_pseudonym
)

SELECT
  conversion_kind,
  safe_pseudonym,
  first_ts,
  conversion_ts,
  n_conversions
FROM compared
WHERE n_conversions <> 1 OR NOT coalesce(conversion_ts = first_ts, FALSE)
