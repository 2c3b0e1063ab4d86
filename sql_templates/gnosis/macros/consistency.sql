{# Audits that hold for both sectors; each selects offending rows. #}

{# Conversion kinds (and roles) whose marts do not add up: over the rows of a lookback each model gives as many credits as
   conversions have a touch, total_conversions counts all that happened, and an event kind has one row. #}
{% macro attribution_differs_from_journeys(sector) %}
{%- set key = 'conversion_kind, identity_role' if sector == 'gpay' else 'conversion_kind' -%}
{%- set models = ['first_touch', 'last_touch', 'linear', 'time_decay_hl_7d'] -%}
WITH both_sides AS (
  {%- for days in var('lookbacks') | unique | sort %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    {{ days }} AS lookback_days,
    {{ key | replace(', ', ',\n    ') }},
    1 AS n_conversions,
    CASE WHEN touched.touched_key IS NOT NULL THEN 1 ELSE 0 END AS n_touched,
    CAST(NULL AS BIGINT) AS total_conversions,
    CAST(NULL AS VARCHAR) AS event_kind
    {%- for model in models %},
    CAST(NULL AS DOUBLE) AS {{ model }}
    {%- endfor %}
  FROM {{ ref('int_execution_' ~ sector ~ '_journey_conversions') }} AS conversions
  LEFT JOIN (
    SELECT DISTINCT conversion_key AS touched_key
    FROM {{ ref('fct_execution_' ~ sector ~ '_journeys_' ~ days ~ 'd') }}
  ) AS touched ON conversions.conversion_key = touched.touched_key
  WHERE conversion_date >= {{ add_days(as_of, -var('attribution_window_days')) }}
  UNION ALL
  SELECT
    {{ days }} AS lookback_days,
    {{ key | replace(', ', ',\n    ') }},
    0 AS n_conversions,
    0 AS n_touched,
    total_conversions,
    event_kind
    {%- for model in models %},
    {{ model }}
    {%- endfor %}
  FROM {{ ref('fct_execution_' ~ sector ~ '_attribution_' ~ days ~ 'd') }}
  {%- endfor %}
),

compared AS (
  SELECT
    lookback_days,
    {{ key | replace(', ', ',\n    ') }},
    sum(n_conversions) AS conversions,
    sum(n_touched) AS touched_conversions,
    min(total_conversions) AS least_total_conversions,
    max(total_conversions) AS most_total_conversions,
    count(event_kind) AS n_rows,
    count(DISTINCT event_kind) AS n_event_kinds
    {%- for model in models %},
    coalesce(sum({{ model }}), 0.0) AS {{ model }}
    {%- endfor %}
  FROM both_sides
  GROUP BY lookback_days, {{ key }}
)

SELECT
  lookback_days,
  {{ key | replace(', ', ',\n  ') }},
  conversions,
  touched_conversions,
  least_total_conversions,
  most_total_conversions,
  n_rows,
  n_event_kinds
  {%- for model in models %},
  {{ model }}
  {%- endfor %}
FROM compared
WHERE n_rows <> n_event_kinds
  OR least_total_conversions <> conversions
  OR most_total_conversions <> conversions
  {%- for model in models %}
  OR abs({{ model }} - touched_conversions) > 1e-9 * greatest(1.0, CAST(touched_conversions AS DOUBLE))
  {%- endfor %}
{% endmacro %}

{# Days and conversion kinds whose tracked conversions are not those that have a journey. Coverage counts along timelines
   and journeys join, so each checks the other; roles without journeys are left out. #}
{% macro coverage_differs_from_journeys(sector) %}
{%- set days = var('coverage_lookback_days') -%}
WITH both_sides AS (
  SELECT
    conversion_date,
    conversion_kind,
    tracked_conversions,
    0 AS conversions_with_journey
  FROM {{ ref('int_execution_' ~ sector ~ '_coverage_daily') }} AS coverage
  {%- if sector == 'gpay' %}
  WHERE EXISTS (
    SELECT 1
    FROM {{ ref('mta_gp_identity_roles') }} AS roles
    WHERE roles.identity_role = coverage.identity_role
      AND roles.has_journeys
  )
  {%- endif %}
  UNION ALL
  SELECT
    conversion_date,
    conversion_kind,
    0 AS tracked_conversions,
    1 AS conversions_with_journey
  FROM (
    SELECT DISTINCT
      conversion_key,
      conversion_date,
      conversion_kind
    {%- if days in var('lookbacks') %}
    FROM {{ ref('fct_execution_' ~ sector ~ '_journeys_' ~ days ~ 'd') }}
    {%- else %}
    FROM {{ ref('int_execution_' ~ sector ~ '_journeys') }}
    WHERE FALSE
    {%- endif %}
  ) AS touched
),

compared AS (
  SELECT
    conversion_date,
    conversion_kind,
    sum(tracked_conversions) AS tracked_conversions,
    sum(conversions_with_journey) AS conversions_with_journey
  FROM both_sides
  GROUP BY conversion_date, conversion_kind
)

SELECT
  conversion_date,
  conversion_kind,
  tracked_conversions,
  conversions_with_journey
FROM compared
WHERE {{ 'tracked_conversions <> conversions_with_journey' if days in var('lookbacks') else 'FALSE' }}
{% endmacro %}

{# Exclusions that name a kind which the sector does not know, and conversion kinds without a guard. #}
{% macro exclusions_with_unknown_kinds(sector) %}
{%- set exclusions = ref('int_execution_' ~ sector ~ '_exclusions') -%}
SELECT
  conversion_kind,
  event_kind,
  'unknown kind' AS fault
FROM {{ exclusions }} AS exclusions
WHERE NOT EXISTS (
  SELECT 1
  FROM {{ ref(mta_registry(sector, 'conversion_kinds')) }} AS conversion_kinds
  WHERE conversion_kinds.conversion_kind = exclusions.conversion_kind
)
OR NOT EXISTS (
  SELECT 1
  FROM {{ ref(mta_registry(sector, 'event_kinds')) }} AS event_kinds
  WHERE event_kinds.event_kind = exclusions.event_kind
)
UNION ALL
SELECT
  conversion_kind,
  CAST(NULL AS VARCHAR) AS event_kind,
  'no event of its own' AS fault
FROM {{ ref(mta_registry(sector, 'conversion_kinds')) }} AS conversion_kinds
WHERE NOT EXISTS (
  SELECT 1
  FROM {{ exclusions }} AS exclusions
  WHERE exclusions.conversion_kind = conversion_kinds.conversion_kind
    AND exclusions.rule = 'own_event'
)
{% endmacro %}
