{#
Journeys of heavy users, one half of journeys.sql: cost grows with touches + conversions, not with their product.

Time is cut into buckets exactly as long as the lookback, so a window [c - N, c) is the end of one bucket and the
beginning of the next. The decayed sum of either part is a running sum within its bucket: backward from the end of
the one, forward from the begin of the other. It is measured from the end of the bucket, so that it serves every
conversion, and brought to the time of a conversion by one factor; neither leaves the range of a double, because a
bucket is no longer than the window. Decayed sums are never subtracted: that would lose a light touch inside the
window next to many outside. Counts are subtracted, integers are exact.
#}
{% macro heavy_journeys(lookback_days, half_life_days, include_touch_at_conversion) -%}
heavy_touches AS (
    SELECT touches.user_no, touches.kind_no, touches.event_ts
    FROM numbered_touches AS touches
    INNER JOIN heavy_users ON touches.user_no = heavy_users.user_no
),

-- Grain: user x event_kind, each a series of touches in time.
heavy_series AS (
    SELECT user_no, kind_no, row_number() OVER (ORDER BY user_no, kind_no) AS series_no
    FROM heavy_touches
    GROUP BY user_no, kind_no
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
        AND touches.kind_no = series.kind_no
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
        CAST(NULL AS INTEGER) AS conversion_no,
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
    WHERE {{ not_excluded('series.kind_no') }}
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
        series.user_no,
        windows.conversion_no,
        series.kind_no
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
    INNER JOIN numbered_conversions AS conversions
        ON series.user_no = conversions.user_no AND windows.conversion_no = conversions.conversion_no
    WHERE windows.first_instant_no_{{ lookback_days | last }}d <= windows.last_instant_no
)
{%- endmacro %}
