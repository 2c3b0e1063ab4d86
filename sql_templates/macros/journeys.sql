{#
Journeys: which touchpoints precede which conversion, for every lookback in one pass.

A touch is eligible for a lookback of N days when it has the user (and role) of the conversion and
    conversion_ts - N * 86400 s <= event_ts < conversion_ts        (<= when touches at the conversion count).

The cost of joining touches to conversions of the same user grows with touches x conversions, which is cheap
for almost everyone and ruinous for the few who hold 10^4 touches and 10^3 conversions. So users are split:
  - ordinary users: an equality join on (user, time bucket) with the exact range on top;
  - heavy users: running aggregates, whose cost is linear in touches + conversions.
Both halves return the same rows: counts and timestamps exactly, decayed sums to about 1e-13.
#}

{# Microseconds since 1970: windows are compared to the microsecond, and integers do not round. #}
{% macro epoch_microseconds(timestamp) -%}
date_diff('microsecond', TIMESTAMP '1970-01-01 00:00:00', {{ timestamp }})
{%- endmacro %}

{# Number of the day a timestamp lies in. #}
{% macro day_number(timestamp) -%}
date_diff('day', DATE '1970-01-01', {{ timestamp }})
{%- endmacro %}

{# Buckets of whole days begin at midnight, so the day alone decides and the quotient is exact, before 1970 too. #}
{% macro bucket_number(day, days) -%}
CAST(floor({{ day }} / CAST({{ days }} AS DOUBLE)) AS BIGINT)
{%- endmacro %}

{# The last edge of a window: conversion_ts itself belongs to the window only when asked for. #}
{% macro upper_comparison(include_touch_at_conversion) -%}
{{ '<=' if include_touch_at_conversion else '<' }}
{%- endmacro %}

{% macro journeys_wide(touchpoints, conversions, exclusions, lookbacks, half_life_days, include_touch_at_conversion, with_role, heavy_user_threshold) %}
{%- set lookback_days = lookbacks | map('int') | unique | sort -%}
{%- set widest = lookback_days | last -%}
-- Grain: conversion x event_kind, only where the widest lookback holds a touch.
WITH converting_users AS (
    SELECT
        user_pseudonym,
        {%- if with_role %}
        identity_role,
        {%- endif %}
        count(*) AS n_conversions,
        row_number() OVER (ORDER BY user_pseudonym{{ ', identity_role NULLS LAST' if with_role }}) AS user_no
    FROM {{ conversions }}
    GROUP BY user_pseudonym{{ ', identity_role' if with_role }}
),

numbered_conversions AS (
    SELECT
        conversions.conversion_key,
        conversions.conversion_ts,
        converting_users.user_no,
        row_number() OVER (ORDER BY conversions.conversion_key) AS conversion_no,
        {{ bucket_number(day_number('conversions.conversion_ts'), widest) }} AS bucket_no
    FROM {{ conversions }} AS conversions
    INNER JOIN converting_users
        ON conversions.user_pseudonym = converting_users.user_pseudonym
        {%- if with_role %}
        AND conversions.identity_role IS NOT DISTINCT FROM converting_users.identity_role
        {%- endif %}
),

-- Numbering the users is also the filter: touches of users who never convert go no further.
numbered_touches AS (
    SELECT
        converting_users.user_no,
        touches.event_kind,
        touches.event_ts,
        {{ bucket_number(day_number('touches.event_ts'), widest) }} AS bucket_no
    FROM {{ touchpoints }} AS touches
    INNER JOIN converting_users
        ON touches.user_pseudonym = converting_users.user_pseudonym
        {%- if with_role %}
        AND touches.identity_role IS NOT DISTINCT FROM converting_users.identity_role
        {%- endif %}
),

user_touch_counts AS (
    SELECT user_no, count(*) AS n_touches
    FROM numbered_touches
    GROUP BY user_no
),

heavy_users AS (
    SELECT user_touch_counts.user_no
    FROM user_touch_counts
    INNER JOIN converting_users ON user_touch_counts.user_no = converting_users.user_no
    WHERE user_touch_counts.n_touches * converting_users.n_conversions > {{ heavy_user_threshold }}
),

{{ ordinary_journeys(lookback_days, half_life_days, include_touch_at_conversion) }},

{{ heavy_journeys(lookback_days, half_life_days, include_touch_at_conversion) }},

journeys AS (
    SELECT * FROM ordinary_journeys
    UNION ALL
    SELECT * FROM heavy_journeys
)

SELECT
    conversions.conversion_key,
    conversions.user_pseudonym,
    {%- if with_role %}
    conversions.identity_role,
    {%- endif %}
    conversions.conversion_kind,
    conversions.conversion_ts,
    conversions.conversion_date,
    conversions.conversion_amount,
    journeys.event_kind
    {%- for days in lookback_days %},
    journeys.n_touches_{{ days }}d,
    journeys.first_touch_ts_{{ days }}d,
    journeys.last_touch_ts_{{ days }}d,
    journeys.td_sum_{{ days }}d
    {%- endfor %}
FROM journeys
INNER JOIN numbered_conversions ON journeys.conversion_no = numbered_conversions.conversion_no
INNER JOIN {{ conversions }} AS conversions ON numbered_conversions.conversion_key = conversions.conversion_key
WHERE journeys.n_touches_{{ widest }}d > 0
    AND NOT EXISTS (
        SELECT 1
        FROM {{ exclusions }} AS exclusions
        WHERE exclusions.conversion_kind = conversions.conversion_kind
            AND exclusions.event_kind = journeys.event_kind
    )
{% endmacro %}

{# A window of the widest lookback touches the bucket of the conversion and the one before, so every conversion
   is looked up in two buckets; the equality makes a hash join of what would be a range join. #}
{% macro ordinary_journeys(lookback_days, half_life_days, include_touch_at_conversion) %}
{%- set widest = lookback_days | last -%}
ordinary_conversions AS (
    SELECT
        numbered_conversions.user_no,
        numbered_conversions.conversion_no,
        numbered_conversions.conversion_ts,
        numbered_conversions.bucket_no - buckets_back.n_buckets AS bucket_no
        {%- for days in lookback_days %},
        numbered_conversions.conversion_ts - INTERVAL {{ days }} DAY AS window_start_{{ days }}d
        {%- endfor %}
    FROM numbered_conversions
    CROSS JOIN (SELECT 0 AS n_buckets UNION ALL SELECT 1 AS n_buckets) AS buckets_back
    WHERE NOT EXISTS (SELECT 1 FROM heavy_users WHERE heavy_users.user_no = numbered_conversions.user_no)
),

eligible_touches AS (
    SELECT
        ordinary_conversions.conversion_no,
        touches.event_kind,
        touches.event_ts,
        pow(
            2.0,
            CAST(date_diff('microsecond', ordinary_conversions.conversion_ts, touches.event_ts) AS DOUBLE)
            / {{ half_life_days * 86400000000.0 }}
        ) AS decay
        {%- for days in lookback_days[:-1] %},
        ordinary_conversions.window_start_{{ days }}d
        {%- endfor %}
    FROM numbered_touches AS touches
    INNER JOIN ordinary_conversions
        ON touches.user_no = ordinary_conversions.user_no
        AND touches.bucket_no = ordinary_conversions.bucket_no
        AND touches.event_ts >= ordinary_conversions.window_start_{{ widest }}d
        AND touches.event_ts {{ upper_comparison(include_touch_at_conversion) }} ordinary_conversions.conversion_ts
),

ordinary_journeys AS (
    SELECT
        conversion_no,
        event_kind
        {%- for days in lookback_days %}
        {%- set inside = '' if loop.last else ' FILTER (WHERE event_ts >= window_start_' ~ days ~ 'd)' %},
        count(*){{ inside }} AS n_touches_{{ days }}d,
        min(event_ts){{ inside }} AS first_touch_ts_{{ days }}d,
        max(event_ts){{ inside }} AS last_touch_ts_{{ days }}d,
        coalesce(sum(decay){{ inside }}, 0.0) AS td_sum_{{ days }}d
        {%- endfor %}
    FROM eligible_touches
    GROUP BY conversion_no, event_kind
)
{%- endmacro %}

{# Time is cut into buckets exactly as long as the lookback, so a window [c - N, c) is the end of one bucket and the
   beginning of the next. Both parts are running aggregates within their bucket, read where an edge of the
   window falls: forward from the bucket's begin, backward from its end. Nothing is ever subtracted, so the sums
   keep their precision next to any number of touches outside the window, and an empty window is exactly empty. #}
{% macro heavy_journeys(lookback_days, half_life_days, include_touch_at_conversion) -%}
{%- set microseconds_per_half_life = half_life_days * 86400000000.0 -%}
lookback_windows AS (
    {%- for days in lookback_days %}
    {{ 'UNION ALL ' if not loop.first }}SELECT {{ days }} AS lookback_days, {{ days * 86400000000 }} AS width_us
    {%- endfor %}
),

heavy_touches AS (
    SELECT
        touches.user_no,
        touches.event_kind,
        touches.event_ts,
        {{ epoch_microseconds('touches.event_ts') }} AS event_us,
        {{ day_number('touches.event_ts') }} AS event_day
    FROM numbered_touches AS touches
    INNER JOIN heavy_users ON touches.user_no = heavy_users.user_no
),

heavy_user_kinds AS (
    SELECT DISTINCT user_no, event_kind
    FROM heavy_touches
),

heavy_windows AS (
    SELECT
        lookback_windows.lookback_days,
        lookback_windows.width_us,
        numbered_conversions.user_no,
        heavy_user_kinds.event_kind,
        numbered_conversions.conversion_no,
        {{ epoch_microseconds('numbered_conversions.conversion_ts') }} AS conversion_us,
        {{ bucket_number(day_number('numbered_conversions.conversion_ts'), 'lookback_windows.lookback_days') }} AS bucket_no
    FROM numbered_conversions
    INNER JOIN heavy_user_kinds ON numbered_conversions.user_no = heavy_user_kinds.user_no
    CROSS JOIN lookback_windows
),

-- Grain: lookback x (touch, begin of a window, end of a window). At one instant the begin of a window comes before
-- the touches; its end before or after them, depending on whether a touch at the conversion counts.
heavy_timeline AS (
    SELECT
        lookback_windows.lookback_days,
        lookback_windows.width_us,
        heavy_touches.user_no,
        heavy_touches.event_kind,
        {{ bucket_number('heavy_touches.event_day', 'lookback_windows.lookback_days') }} AS bucket_no,
        heavy_touches.event_us AS position_us,
        1 AS position_order,
        heavy_touches.event_ts,
        CAST(NULL AS BIGINT) AS conversion_no,
        CAST(NULL AS BIGINT) AS conversion_us,
        CAST(NULL AS BOOLEAN) AS is_window_end
    FROM heavy_touches
    CROSS JOIN lookback_windows
    UNION ALL
    SELECT
        lookback_days,
        width_us,
        user_no,
        event_kind,
        bucket_no - 1 AS bucket_no,
        conversion_us - width_us AS position_us,
        0 AS position_order,
        CAST(NULL AS TIMESTAMP) AS event_ts,
        conversion_no,
        conversion_us,
        FALSE AS is_window_end
    FROM heavy_windows
    UNION ALL
    SELECT
        lookback_days,
        width_us,
        user_no,
        event_kind,
        bucket_no,
        conversion_us AS position_us,
        {{ 2 if include_touch_at_conversion else 0 }} AS position_order,
        CAST(NULL AS TIMESTAMP) AS event_ts,
        conversion_no,
        conversion_us,
        TRUE AS is_window_end
    FROM heavy_windows
),

-- Weights are measured from the end of the bucket, never more than one window away: they cannot overflow.
heavy_weights AS (
    SELECT
        lookback_days,
        user_no,
        event_kind,
        bucket_no,
        position_us,
        position_order,
        event_ts,
        CASE
            WHEN event_ts IS NOT NULL
                THEN pow(2.0, CAST(position_us - (bucket_no + 1) * width_us AS DOUBLE) / {{ microseconds_per_half_life }})
        END AS decay,
        conversion_no,
        is_window_end,
        pow(2.0, CAST((bucket_no + 1) * width_us - conversion_us AS DOUBLE) / {{ microseconds_per_half_life }}) AS rescale
    FROM heavy_timeline
),

heavy_running AS (
    SELECT
        lookback_days,
        event_kind,
        conversion_no,
        rescale,
        is_window_end,
        count(event_ts) OVER from_begin AS n_from_begin,
        min(event_ts) OVER from_begin AS first_from_begin,
        max(event_ts) OVER from_begin AS last_from_begin,
        sum(decay) OVER from_begin AS decay_from_begin,
        count(event_ts) OVER to_end AS n_to_end,
        min(event_ts) OVER to_end AS first_to_end,
        max(event_ts) OVER to_end AS last_to_end,
        sum(decay) OVER to_end AS decay_to_end
    FROM heavy_weights
    WINDOW
        from_begin AS (
            PARTITION BY lookback_days, user_no, event_kind, bucket_no
            ORDER BY position_us, position_order
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        to_end AS (
            PARTITION BY lookback_days, user_no, event_kind, bucket_no
            ORDER BY position_us, position_order
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
),

heavy_window_parts AS (
    SELECT
        lookback_days,
        conversion_no,
        event_kind,
        CASE WHEN is_window_end THEN n_from_begin ELSE n_to_end END AS n_touches,
        CASE WHEN is_window_end THEN first_from_begin ELSE first_to_end END AS first_touch_ts,
        CASE WHEN is_window_end THEN last_from_begin ELSE last_to_end END AS last_touch_ts,
        CASE WHEN is_window_end THEN decay_from_begin ELSE decay_to_end END * rescale AS td_sum
    FROM heavy_running
    WHERE conversion_no IS NOT NULL
),

heavy_journeys AS (
    SELECT
        conversion_no,
        event_kind
        {%- for days in lookback_days %},
        CAST(sum(n_touches) FILTER (WHERE lookback_days = {{ days }}) AS BIGINT) AS n_touches_{{ days }}d,
        min(first_touch_ts) FILTER (WHERE lookback_days = {{ days }}) AS first_touch_ts_{{ days }}d,
        max(last_touch_ts) FILTER (WHERE lookback_days = {{ days }}) AS last_touch_ts_{{ days }}d,
        coalesce(sum(td_sum) FILTER (WHERE lookback_days = {{ days }}), 0.0) AS td_sum_{{ days }}d
        {%- endfor %}
    FROM heavy_window_parts
    GROUP BY conversion_no, event_kind
)
{%- endmacro %}

{# One lookback of the wide relation. #}
{% macro journeys_window(journeys, lookback, with_role) %}
-- Grain: conversion x event_kind, only where the lookback of {{ lookback }} days holds a touch.
SELECT
    conversion_key,
    user_pseudonym,
    {%- if with_role %}
    identity_role,
    {%- endif %}
    conversion_kind,
    conversion_ts,
    conversion_date,
    conversion_amount,
    event_kind,
    n_touches_{{ lookback }}d AS n_touches,
    first_touch_ts_{{ lookback }}d AS first_touch_ts,
    last_touch_ts_{{ lookback }}d AS last_touch_ts,
    td_sum_{{ lookback }}d AS td_sum
FROM {{ journeys }}
WHERE n_touches_{{ lookback }}d > 0
{% endmacro %}
