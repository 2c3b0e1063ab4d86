{# No journey of the wide relation holds a touch that must not be there: the first and last touch of every window exist as
   touchpoints, lie inside the window, and are not of a kind excluded for the conversion. `touchpoints` and `exclusions`
   are relations; `lookbacks` and `include_touch_at_conversion` default to the variables of these names. #}
{%- set lookbacks = arg('lookbacks', var('lookbacks')) | map('int') | unique | sort -%}
{%- set allowed = '<=' if arg('include_touch_at_conversion', var('include_touch_at_conversion')) else '<' -%}
WITH edges AS (
  {%- for days in lookbacks %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    conversion_key,
    conversion_kind,
    conversion_ts,
    user_pseudonym,
    event_kind,
    {{ days }} AS lookback_days,
    conversion_ts - INTERVAL {{ days }} DAY AS window_start_ts,
    first_touch_ts_{{ days }}d AS first_touch_ts,
    last_touch_ts_{{ days }}d AS last_touch_ts
  FROM {{ model }} AS audited_{{ days }}d
  WHERE n_touches_{{ days }}d > 0
  {%- endfor %}
),

claimed_touches AS (
  SELECT user_pseudonym, event_kind, first_touch_ts AS event_ts FROM edges
  UNION
  SELECT user_pseudonym, event_kind, last_touch_ts AS event_ts FROM edges
),

invented_touches AS (
  SELECT
    claimed.user_pseudonym,
    claimed.event_kind,
    claimed.event_ts
  FROM claimed_touches AS claimed
  WHERE NOT EXISTS (
    SELECT 1
    FROM {{ ref(arg('touchpoints')) }} AS touchpoints
    WHERE touchpoints.user_pseudonym = claimed.user_pseudonym
      AND touchpoints.event_kind = claimed.event_kind
      AND touchpoints.event_ts = claimed.event_ts
  )
),

judged AS (
  SELECT
    edges.conversion_key,
    edges.conversion_kind,
    edges.conversion_ts,
    edges.event_kind,
    edges.lookback_days,
    edges.first_touch_ts,
    edges.last_touch_ts,
    CASE
      WHEN NOT coalesce(edges.last_touch_ts {{ allowed }} edges.conversion_ts, FALSE) THEN 'touch after the conversion'
      WHEN NOT coalesce(edges.first_touch_ts >= edges.window_start_ts, FALSE) THEN 'touch before the window'
      WHEN edges.first_touch_ts > edges.last_touch_ts THEN 'first touch after the last'
      WHEN exclusions.event_kind IS NOT NULL THEN 'kind excluded for the conversion'
      WHEN first_touches.event_ts IS NOT NULL OR last_touches.event_ts IS NOT NULL THEN 'touch without a touchpoint'
    END AS leak
  FROM edges
  LEFT JOIN {{ ref(arg('exclusions')) }} AS exclusions
    ON edges.conversion_kind = exclusions.conversion_kind AND edges.event_kind = exclusions.event_kind
  LEFT JOIN invented_touches AS first_touches
    ON edges.user_pseudonym = first_touches.user_pseudonym
    AND edges.event_kind = first_touches.event_kind
    AND edges.first_touch_ts = first_touches.event_ts
  LEFT JOIN invented_touches AS last_touches
    ON edges.user_pseudonym = last_touches.user_pseudonym
    AND edges.event_kind = last_touches.event_kind
    AND edges.last_touch_ts = last_touches.event_ts
)

SELECT
  conversion_key,
  conversion_kind,
  conversion_ts,
  event_kind,
  lookback_days,
  first_touch_ts,
  last_touch_ts,
  leak
FROM judged
WHERE leak IS NOT NULL
