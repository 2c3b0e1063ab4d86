{# No journey of the wide relation holds a touch that must not be there: the first and last touch of every window exist as
   touchpoints, lie inside the window, and are not of a kind excluded for the conversion. `touchpoints` and `exclusions`
   are relations; `lookbacks` and `include_touch_at_conversion` default to the variables of these names. #}
{{- config(scope='rows') }}
{%- set lookbacks = arg('lookbacks', var('lookbacks')) | map('int') | unique | sort -%}
{%- set allowed = '<=' if arg('include_touch_at_conversion', var('include_touch_at_conversion')) else '<' -%}
-- Most claims repeat: windows end together, and conversions of a user share touches. What is distinct is much less.
WITH claimed_touches AS (
  {%- for days in lookbacks %}
  {{ 'UNION\n  ' if not loop.first }}SELECT user_pseudonym, event_kind, first_touch_ts_{{ days }}d AS event_ts
  FROM {{ model }} AS first_of_{{ days }}d
  WHERE n_touches_{{ days }}d > 0
  UNION
  SELECT user_pseudonym, event_kind, last_touch_ts_{{ days }}d AS event_ts
  FROM {{ model }} AS last_of_{{ days }}d
  WHERE n_touches_{{ days }}d > 0
  {%- endfor %}
),

invented_touches AS (
  SELECT
    claimed.user_pseudonym,
    claimed.event_kind,
    claimed.event_ts
  FROM claimed_touches AS claimed
  WHERE NOT EXISTS (
    SELECT 1
    FROM {{ visible(ref(arg('touchpoints')), by_row=true) }} AS touchpoints
    WHERE touchpoints.user_pseudonym = claimed.user_pseudonym
      AND touchpoints.event_kind = claimed.event_kind
      AND touchpoints.event_ts = claimed.event_ts
  )
),

judged AS (
  {%- for days in lookbacks %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    journeys.conversion_key,
    journeys.conversion_kind,
    journeys.conversion_ts,
    journeys.event_kind,
    {{ days }} AS lookback_days,
    journeys.first_touch_ts_{{ days }}d AS first_touch_ts,
    journeys.last_touch_ts_{{ days }}d AS last_touch_ts,
    CASE
      WHEN NOT coalesce(journeys.last_touch_ts_{{ days }}d {{ allowed }} journeys.conversion_ts, FALSE)
        THEN 'touch after the conversion'
      WHEN NOT coalesce(
        journeys.first_touch_ts_{{ days }}d >= journeys.conversion_ts - INTERVAL {{ days }} DAY, FALSE
      )
        THEN 'touch before the window'
      WHEN journeys.first_touch_ts_{{ days }}d > journeys.last_touch_ts_{{ days }}d THEN 'first touch after the last'
      WHEN exclusions.event_kind IS NOT NULL THEN 'kind excluded for the conversion'
      WHEN first_touches.event_ts IS NOT NULL OR last_touches.event_ts IS NOT NULL THEN 'touch without a touchpoint'
    END AS leak
  FROM {{ model }} AS journeys
  LEFT JOIN {{ ref(arg('exclusions')) }} AS exclusions
    ON journeys.conversion_kind = exclusions.conversion_kind AND journeys.event_kind = exclusions.event_kind
  LEFT JOIN invented_touches AS first_touches
    ON journeys.user_pseudonym = first_touches.user_pseudonym
    AND journeys.event_kind = first_touches.event_kind
    AND journeys.first_touch_ts_{{ days }}d = first_touches.event_ts
  LEFT JOIN invented_touches AS last_touches
    ON journeys.user_pseudonym = last_touches.user_pseudonym
    AND journeys.event_kind = last_touches.event_kind
    AND journeys.last_touch_ts_{{ days }}d = last_touches.event_ts
  WHERE journeys.n_touches_{{ days }}d > 0
  {%- endfor %}
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
