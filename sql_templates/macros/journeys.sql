{#
Journeys: which touchpoints precede which conversion, for every lookback in one pass.

A touch is eligible for a lookback of N days when it has the user (and role) of the conversion and
    conversion_ts - N * 86400 s <= event_ts < conversion_ts        (<= where touches at the conversion count).

Joining touches to conversions of the same user costs touches x conversions, which is little for almost everyone
and ruinous for the few who hold 10^4 touches and 10^3 conversions. So users are split by that product:
  - ordinary users: a hash join on (user, time bucket) with the exact range on top;
  - heavy users: running sums, whose cost grows with touches + conversions.
Both halves return the same rows: counts and timestamps exactly, decayed sums to about 1e-13. Lookbacks are whole
days, at most 1000 half-lives: what is older weighs less than a double can tell from nothing.
#}

{# Microseconds since 1970: windows are compared to the microsecond, and integers do not round. #}
{% macro epoch_microseconds(timestamp) -%}
date_diff('microsecond', TIMESTAMP '1970-01-01 00:00:00', {{ timestamp }})
{%- endmacro %}

{# Number of the bucket of `days` days that a timestamp lies in. Buckets begin at midnight, so the day alone decides
   and the quotient is exact, before 1970 too. #}
{% macro bucket_number(timestamp, days) -%}
CAST(floor(date_diff('day', DATE '1970-01-01', {{ timestamp }}) / {{ days }}.0) AS BIGINT)
{%- endmacro %}

{# The microsecond at which a bucket ends. #}
{% macro bucket_end(bucket_no, days) -%}
({{ bucket_no }} + 1) * {{ days * 86400000000 }}
{%- endmacro %}

{# What a touch weighs when it is `age` microseconds old: half after each half-life. #}
{% macro decay(age, half_life_days) -%}
pow(2.0, -CAST({{ age }} AS DOUBLE) / {{ half_life_days * 86400000000.0 }})
{%- endmacro %}

{% macro journeys_wide(
    touchpoints, conversions, exclusions,
    lookbacks, half_life_days, include_touch_at_conversion, with_role, heavy_user_threshold
) %}
{%- set lookback_days = lookbacks | map('int') | unique | sort -%}
{%- set widest = lookback_days | last -%}
{%- if widest > 1000 * half_life_days -%}
    {{ raise_error(
        'half_life_days = ' ~ half_life_days ~ ' is too short for a lookback of ' ~ widest
        ~ ' days: a touch may decay through 1000 half-lives at most, before its weight vanishes'
    ) }}
{%- endif -%}
-- Grain: conversion x event_kind, only where the widest lookback holds a touch.
WITH converting_users AS (
    SELECT
        user_pseudonym,
        {%- if with_role %}
        identity_role,
        {%- endif %}
        count(*) AS n_conversions,
        min(conversion_ts) - INTERVAL {{ widest }} DAY AS first_window_begin,
        max(conversion_ts) AS last_window_end,
        row_number() OVER (ORDER BY user_pseudonym{{ ', identity_role NULLS LAST' if with_role }}) AS user_no
    FROM {{ conversions }}
    GROUP BY user_pseudonym{{ ', identity_role' if with_role }}
),

numbered_conversions AS (
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
        users.user_no,
        row_number() OVER (ORDER BY conversions.conversion_key) AS conversion_no
    FROM {{ conversions }} AS conversions
    INNER JOIN converting_users AS users
        ON conversions.user_pseudonym = users.user_pseudonym
        {%- if with_role %}
        AND conversions.identity_role IS NOT DISTINCT FROM users.identity_role
        {%- endif %}
),

-- Numbering the users is also the filter: only touches that some window of their user can reach go on. A missing role
-- is a role of its own, so that a source which names roles only sometimes loses no touches.
numbered_touches AS (
    SELECT
        users.user_no,
        touches.event_kind,
        touches.event_ts,
        {{ bucket_number('touches.event_ts', widest) }} AS bucket_no
    FROM {{ touchpoints }} AS touches
    INNER JOIN converting_users AS users
        ON touches.user_pseudonym = users.user_pseudonym
        {%- if with_role %}
        AND touches.identity_role IS NOT DISTINCT FROM users.identity_role
        {%- endif %}
        AND touches.event_ts >= users.first_window_begin
        AND touches.event_ts <= users.last_window_end
),

user_touch_counts AS (
    SELECT user_no, count(*) AS n_touches
    FROM numbered_touches
    GROUP BY user_no
),

heavy_users AS (
    SELECT users.user_no
    FROM converting_users AS users
    INNER JOIN user_touch_counts ON users.user_no = user_touch_counts.user_no
    WHERE user_touch_counts.n_touches * users.n_conversions > {{ heavy_user_threshold }}
),

{{ ordinary_journeys(lookback_days, half_life_days, include_touch_at_conversion) }},

{{ heavy_journeys(lookback_days, half_life_days, include_touch_at_conversion) }},

journeys AS (
    SELECT {{ journey_columns(lookback_days) }}
    FROM ordinary_journeys
    UNION ALL
    SELECT {{ journey_columns(lookback_days) }}
    FROM heavy_journeys
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
INNER JOIN numbered_conversions AS conversions ON journeys.conversion_no = conversions.conversion_no
WHERE NOT EXISTS (
    SELECT 1
    FROM {{ exclusions }} AS exclusions
    WHERE exclusions.conversion_kind = conversions.conversion_kind
        AND exclusions.event_kind = journeys.event_kind
)
{% endmacro %}

{% macro journey_columns(lookback_days) %}
        conversion_no,
        event_kind
        {%- for days in lookback_days %},
        n_touches_{{ days }}d,
        first_touch_ts_{{ days }}d,
        last_touch_ts_{{ days }}d,
        td_sum_{{ days }}d
        {%- endfor %}
{%- endmacro %}

{# The widest window lies in the bucket of the conversion and the one before, so every conversion is looked up in
   two buckets; the equality makes a hash join of what would be a range join. #}
{% macro ordinary_journeys(lookback_days, half_life_days, include_touch_at_conversion) %}
{%- set widest = lookback_days | last -%}
ordinary_conversions AS (
    SELECT
        conversions.user_no,
        conversions.conversion_no,
        conversions.conversion_ts,
        {{ bucket_number('conversions.conversion_ts', widest) }} - buckets_back.n_buckets AS bucket_no
        {%- for days in lookback_days %},
        conversions.conversion_ts - INTERVAL {{ days }} DAY AS window_begin_{{ days }}d
        {%- endfor %}
    FROM numbered_conversions AS conversions
    CROSS JOIN (SELECT 0 AS n_buckets UNION ALL SELECT 1 AS n_buckets) AS buckets_back
    WHERE NOT EXISTS (SELECT 1 FROM heavy_users WHERE heavy_users.user_no = conversions.user_no)
),

-- Grain: conversion x touch in its widest window.
eligible_touches AS (
    SELECT
        conversions.conversion_no,
        touches.event_kind,
        touches.event_ts,
        {{ decay("date_diff('microsecond', touches.event_ts, conversions.conversion_ts)", half_life_days) }} AS decay
        {%- for days in lookback_days[:-1] %},
        conversions.window_begin_{{ days }}d
        {%- endfor %}
    FROM numbered_touches AS touches
    INNER JOIN ordinary_conversions AS conversions
        ON touches.user_no = conversions.user_no
        AND touches.bucket_no = conversions.bucket_no
        AND touches.event_ts >= conversions.window_begin_{{ widest }}d
        AND touches.event_ts {{ '<=' if include_touch_at_conversion else '<' }} conversions.conversion_ts
),

ordinary_windows AS (
    SELECT
        conversion_no,
        event_kind,
        max(event_ts) AS last_touch_ts
        {%- for days in lookback_days %}
        {%- set inside = '' if loop.last else ' FILTER (WHERE event_ts >= window_begin_' ~ days ~ 'd)' %},
        count(*){{ inside }} AS n_touches_{{ days }}d,
        min(event_ts){{ inside }} AS first_touch_ts_{{ days }}d,
        sum(decay){{ inside }} AS td_sum_{{ days }}d
        {%- endfor %}
    FROM eligible_touches
    GROUP BY conversion_no, event_kind
),

-- All windows of a conversion end together, so they share their last touch unless they are empty.
ordinary_journeys AS (
    SELECT
        conversion_no,
        event_kind
        {%- for days in lookback_days %},
        n_touches_{{ days }}d,
        first_touch_ts_{{ days }}d,
        CASE WHEN n_touches_{{ days }}d > 0 THEN last_touch_ts END AS last_touch_ts_{{ days }}d,
        coalesce(td_sum_{{ days }}d, 0.0) AS td_sum_{{ days }}d
        {%- endfor %}
    FROM ordinary_windows
)
{%- endmacro %}

{# Time is cut into buckets exactly as long as the lookback, so a window [c - N, c) is the end of one bucket and the
   beginning of the next. The decayed sum of either part is a running sum within its bucket: backward from the end of
   the one, forward from the begin of the other. It is measured from the end of the bucket, so that it serves every
   conversion, and brought to the time of a conversion by one factor; neither leaves the range of a double, because a
   bucket is no longer than the window. Decayed sums are never subtracted: that would lose a light touch inside the
   window next to many outside. Counts are subtracted, integers are exact. #}
{% macro heavy_journeys(lookback_days, half_life_days, include_touch_at_conversion) -%}
heavy_touches AS (
    SELECT touches.user_no, touches.event_kind, touches.event_ts
    FROM numbered_touches AS touches
    INNER JOIN heavy_users ON touches.user_no = heavy_users.user_no
),

-- Grain: user x event_kind, each a series of touches in time.
heavy_series AS (
    SELECT user_no, event_kind, row_number() OVER (ORDER BY user_no, event_kind) AS series_no
    FROM heavy_touches
    GROUP BY user_no, event_kind
),

-- Grain: series x instant. Touches of one instant are never on different sides of an edge, and without ties every
-- order below is unique.
heavy_instants AS (
    SELECT
        series.series_no,
        touches.event_ts,
        count(*) AS n_touches
    FROM heavy_touches AS touches
    INNER JOIN heavy_series AS series
        ON touches.user_no = series.user_no
        AND touches.event_kind = series.event_kind
    GROUP BY series.series_no, touches.event_ts
),

heavy_weights AS (
    SELECT
        series_no,
        event_ts,
        n_touches
        {%- for days in lookback_days %}
        {%- set bucket_no = bucket_number('event_ts', days) %},
        {{ bucket_no }} AS bucket_no_{{ days }}d,
        n_touches
        * {{ decay(bucket_end(bucket_no, days) ~ ' - ' ~ epoch_microseconds('event_ts'), half_life_days) }}
        AS decay_{{ days }}d
        {%- endfor %}
    FROM heavy_instants
),

heavy_running_sums AS (
    SELECT
        series_no,
        event_ts,
        n_touches,
        row_number() OVER (PARTITION BY series_no ORDER BY event_ts) AS instant_no,
        sum(n_touches) OVER (
            PARTITION BY series_no ORDER BY event_ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS n_touches_until
        {%- for days in lookback_days %},
        sum(decay_{{ days }}d) OVER (
            PARTITION BY series_no, bucket_no_{{ days }}d ORDER BY event_ts
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS decay_from_begin_{{ days }}d,
        sum(decay_{{ days }}d) OVER (
            PARTITION BY series_no, bucket_no_{{ days }}d ORDER BY event_ts
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS decay_to_end_{{ days }}d
        {%- endfor %}
    FROM heavy_weights
),

-- Where windows begin and end. At one microsecond a begin comes before the touches (1), an end before or after them.
window_edges AS (
    SELECT 0 AS days_back, {{ 2 if include_touch_at_conversion else 0 }} AS position_order
    {%- for days in lookback_days %}
    UNION ALL
    SELECT {{ days }} AS days_back, 0 AS position_order
    {%- endfor %}
),

-- Grain: instant of a series, or window edge of a conversion in a series.
heavy_timeline AS (
    SELECT
        series_no,
        {{ epoch_microseconds('event_ts') }} AS position_us,
        1 AS position_order,
        event_ts AS instant_ts,
        CAST(NULL AS BIGINT) AS conversion_no,
        CAST(NULL AS INTEGER) AS days_back
    FROM heavy_instants
    UNION ALL
    SELECT
        series.series_no,
        {{ epoch_microseconds('conversions.conversion_ts') }} - edges.days_back * 86400000000 AS position_us,
        edges.position_order,
        CAST(NULL AS TIMESTAMP) AS instant_ts,
        conversions.conversion_no,
        edges.days_back
    FROM numbered_conversions AS conversions
    INNER JOIN heavy_series AS series ON conversions.user_no = series.user_no
    CROSS JOIN window_edges AS edges
),

heavy_positions AS (
    SELECT
        series_no,
        conversion_no,
        days_back,
        count(instant_ts) OVER (
            PARTITION BY series_no ORDER BY position_us, position_order
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS n_instants_before
    FROM heavy_timeline
),

-- Grain: conversion x series x edge, with the last instant before an end or the first one after a begin.
heavy_edges AS (
    SELECT
        positions.conversion_no,
        positions.series_no,
        positions.days_back,
        sums.instant_no,
        sums.event_ts,
        sums.n_touches_until,
        sums.n_touches_until - sums.n_touches AS n_touches_before
        {%- for days in lookback_days %},
        sums.decay_from_begin_{{ days }}d,
        sums.decay_to_end_{{ days }}d
        {%- endfor %}
    FROM heavy_positions AS positions
    INNER JOIN heavy_running_sums AS sums
        ON positions.series_no = sums.series_no
        AND positions.n_instants_before + CASE WHEN positions.days_back > 0 THEN 1 ELSE 0 END = sums.instant_no
    WHERE positions.conversion_no IS NOT NULL
),

-- Grain: conversion x series. A window holds touches when its first instant is not after its last.
heavy_windows AS (
    SELECT
        conversion_no,
        series_no,
        max(CASE WHEN days_back = 0 THEN event_ts END) AS last_touch_ts,
        max(CASE WHEN days_back = 0 THEN instant_no END) AS last_instant_no,
        max(CASE WHEN days_back = 0 THEN n_touches_until END) AS n_touches_until
        {%- for days in lookback_days %},
        max(CASE WHEN days_back = 0 THEN decay_from_begin_{{ days }}d END) AS decay_from_begin_{{ days }}d,
        max(CASE WHEN days_back = {{ days }} THEN event_ts END) AS first_touch_ts_{{ days }}d,
        max(CASE WHEN days_back = {{ days }} THEN instant_no END) AS first_instant_no_{{ days }}d,
        max(CASE WHEN days_back = {{ days }} THEN n_touches_before END) AS n_touches_before_{{ days }}d,
        max(CASE WHEN days_back = {{ days }} THEN decay_to_end_{{ days }}d END) AS decay_to_end_{{ days }}d
        {%- endfor %}
    FROM heavy_edges
    GROUP BY conversion_no, series_no
),

heavy_journeys AS (
    SELECT
        windows.conversion_no,
        series.event_kind
        {%- for days in lookback_days %}
        {%- set holds_touches = 'windows.first_instant_no_' ~ days ~ 'd <= windows.last_instant_no' %}
        {%- set bucket_no = bucket_number('conversions.conversion_ts', days) %}
        {%- set conversion_us = epoch_microseconds('conversions.conversion_ts') %},
        CAST(
            CASE WHEN {{ holds_touches }} THEN windows.n_touches_until - windows.n_touches_before_{{ days }}d ELSE 0 END
            AS BIGINT
        ) AS n_touches_{{ days }}d,
        CASE WHEN {{ holds_touches }} THEN windows.first_touch_ts_{{ days }}d END AS first_touch_ts_{{ days }}d,
        CASE WHEN {{ holds_touches }} THEN windows.last_touch_ts END AS last_touch_ts_{{ days }}d,
        CASE
            WHEN {{ holds_touches }} AND {{ bucket_number('windows.last_touch_ts', days) }} = {{ bucket_no }}
                THEN windows.decay_from_begin_{{ days }}d
                    * {{ decay(conversion_us ~ ' - ' ~ bucket_end(bucket_no, days), half_life_days) }}
            ELSE 0.0
        END
        + CASE
            WHEN {{ holds_touches }}
                AND {{ bucket_number('windows.first_touch_ts_' ~ days ~ 'd', days) }} = {{ bucket_no }} - 1
                THEN windows.decay_to_end_{{ days }}d
                    * {{ decay(conversion_us ~ ' - ' ~ bucket_end(bucket_no ~ ' - 1', days), half_life_days) }}
            ELSE 0.0
        END AS td_sum_{{ days }}d
        {%- endfor %}
    FROM heavy_windows AS windows
    INNER JOIN heavy_series AS series ON windows.series_no = series.series_no
    INNER JOIN numbered_conversions AS conversions ON windows.conversion_no = conversions.conversion_no
    WHERE windows.first_instant_no_{{ lookback_days | last }}d <= windows.last_instant_no
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
