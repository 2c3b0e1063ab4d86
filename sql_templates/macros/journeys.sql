{#
Journeys: which touchpoints precede which conversion, for every lookback in one pass.

A touch is eligible for a lookback of N days when it has the user (and role) of the conversion and
    conversion_ts - N * 86400 s <= event_ts < conversion_ts        (<= where touches at the conversion count).

Joining touches to conversions of the same user costs touches x conversions, which is little for almost everyone
and ruinous for the few who hold 10^4 touches and 10^3 conversions. So users are split by that product:
  - ordinary users: a hash join on (user, time bucket) with the exact range on top;
  - heavy users: running sums, whose cost grows with touches + conversions (heavy_journeys.sql).
Both halves return the same rows: counts and timestamps exactly, decayed sums to about 1e-13. Lookbacks are whole
days, at most 1000 half-lives: what is older weighs less than a double can tell from nothing.

Pairs of a touch and a conversion are many, so they carry little: small numbers instead of names. Kinds that are
excluded for a conversion are left out before anything is added up, in either half.
#}

{# Microseconds since 1970: windows are compared to the microsecond, and integers do not round. #}
{% macro epoch_microseconds(timestamp) -%}
date_diff('microsecond', TIMESTAMP '1970-01-01 00:00:00', {{ timestamp }})
{%- endmacro %}

{# Number of the bucket of `days` days that a timestamp lies in. Buckets begin at midnight, so the day alone decides
   and the quotient is exact, before 1970 too. #}
{% macro bucket_number(timestamp, days) -%}
CAST(floor(date_diff('day', DATE '1970-01-01', {{ timestamp }}) / {{ days }}.0) AS INTEGER)
{%- endmacro %}

{# The microsecond at which a bucket ends. #}
{% macro bucket_end(bucket_no, days) -%}
({{ bucket_no }} + 1) * {{ days * 86400000000 }}
{%- endmacro %}

{# Whether a moment lies in the batch that is built. #}
{% macro in_batch(timestamp) -%}
{{ timestamp }} >= {{ batch.start }} AND {{ timestamp }} < {{ batch.end }}
{%- endmacro %}

{# Whether a moment lies where a conversion of the batch can look back to. #}
{% macro seen_by_batch(timestamp, days) -%}
{{ timestamp }} >= {{ batch.start }} - INTERVAL {{ days }} DAY AND {{ timestamp }} < {{ batch.end }}
{%- endmacro %}

{# What a touch weighs when it is `age` microseconds old: half after each half-life. #}
{% macro decay(age, half_life_days) -%}
pow(2.0, -CAST({{ age }} AS DOUBLE) / {{ half_life_days * 86400000000.0 }})
{%- endmacro %}

{# A sum of doubles to 36 binary digits (Veltkamp's splitting, 3e-11 relative at most). The others depend on the order in which an engine
   happens to add up; without them a journey that is built again is the same, and what reads it can stay as it is. #}
{% macro settled(total) -%}
{{ total }} * 131073.0 - ({{ total }} * 131073.0 - {{ total }})
{%- endmacro %}

{# Whether touches of the kind may be in the journey of `conversions`, whose kind it is compared with. #}
{% macro not_excluded(kind_no) -%}
NOT EXISTS (
        SELECT 1
        FROM excluded_kinds
        WHERE excluded_kinds.conversion_kind = conversions.conversion_kind
            AND excluded_kinds.kind_no = {{ kind_no }}
    )
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
        CAST(
            row_number() OVER (ORDER BY user_pseudonym{{ ', identity_role NULLS LAST' if with_role }}) AS INTEGER
        ) AS user_no
    FROM {{ conversions }}
    {%- if is_incremental() %}
    WHERE {{ in_batch('conversion_ts') }}
    {%- endif %}
    GROUP BY user_pseudonym{{ ', identity_role' if with_role }}
),

-- A conversion is known by its user and its number among those of the user: numbering them all would sort them all.
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
        CAST(
            row_number() OVER (PARTITION BY users.user_no ORDER BY conversions.conversion_key) AS INTEGER
        ) AS conversion_no
    FROM {{ conversions }} AS conversions
    INNER JOIN converting_users AS users
        ON conversions.user_pseudonym = users.user_pseudonym
        {%- if with_role %}
        AND conversions.identity_role IS NOT DISTINCT FROM users.identity_role
        {%- endif %}
    {%- if is_incremental() %}
    WHERE {{ in_batch('conversions.conversion_ts') }}
    {%- endif %}
),

event_kinds AS (
    SELECT event_kind, CAST(row_number() OVER (ORDER BY event_kind) AS INTEGER) AS kind_no
    FROM {{ touchpoints }}
    {%- if is_incremental() %}
    WHERE {{ seen_by_batch('event_ts', widest) }}
    {%- endif %}
    GROUP BY event_kind
),

-- The GROUP BY tells planners that these are few: they must look pairs up here, not collect all pairs to be looked up.
excluded_kinds AS (
    SELECT exclusions.conversion_kind, exclusions.event_kind, min(kinds.kind_no) AS kind_no
    FROM {{ exclusions }} AS exclusions
    INNER JOIN event_kinds AS kinds ON exclusions.event_kind = kinds.event_kind
    GROUP BY exclusions.conversion_kind, exclusions.event_kind
),

-- Numbering the users is also the filter: only touches that some window of their user can reach go on. A missing role
-- is a role of its own, so that a source which names roles only sometimes loses no touches.
numbered_touches AS (
    SELECT
        users.user_no,
        kinds.kind_no,
        touches.event_ts,
        {{ bucket_number('touches.event_ts', widest) }} AS bucket_no
    FROM {{ touchpoints }} AS touches
    INNER JOIN event_kinds AS kinds ON touches.event_kind = kinds.event_kind
    INNER JOIN converting_users AS users
        ON touches.user_pseudonym = users.user_pseudonym
        {%- if with_role %}
        AND touches.identity_role IS NOT DISTINCT FROM users.identity_role
        {%- endif %}
        AND touches.event_ts >= users.first_window_begin
        AND touches.event_ts <= users.last_window_end
    {%- if is_incremental() %}
    WHERE {{ seen_by_batch('touches.event_ts', widest) }}
    {%- endif %}
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
    kinds.event_kind
    {%- for days in lookback_days %},
    journeys.n_touches_{{ days }}d,
    journeys.first_touch_ts_{{ days }}d,
    journeys.last_touch_ts_{{ days }}d,
    {{ settled('journeys.td_sum_' ~ days ~ 'd') }} AS td_sum_{{ days }}d
    {%- endfor %}
FROM journeys
INNER JOIN event_kinds AS kinds ON journeys.kind_no = kinds.kind_no
INNER JOIN numbered_conversions AS conversions
    ON journeys.user_no = conversions.user_no AND journeys.conversion_no = conversions.conversion_no
{% endmacro %}

{% macro journey_columns(lookback_days) %}
        user_no,
        conversion_no,
        kind_no
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
        conversions.conversion_kind,
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
        conversions.user_no,
        conversions.conversion_no,
        touches.kind_no,
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
    WHERE {{ not_excluded('touches.kind_no') }}
),

ordinary_windows AS (
    SELECT
        user_no,
        conversion_no,
        kind_no,
        max(event_ts) AS last_touch_ts
        {%- for days in lookback_days %}
        {%- set inside = '' if loop.last else ' FILTER (WHERE event_ts >= window_begin_' ~ days ~ 'd)' %},
        count(*){{ inside }} AS n_touches_{{ days }}d,
        min(event_ts){{ inside }} AS first_touch_ts_{{ days }}d,
        sum(decay){{ inside }} AS td_sum_{{ days }}d
        {%- endfor %}
    FROM eligible_touches
    GROUP BY user_no, conversion_no, kind_no
),

-- All windows of a conversion end together, so they share their last touch unless they are empty.
ordinary_journeys AS (
    SELECT
        user_no,
        conversion_no,
        kind_no
        {%- for days in lookback_days %},
        n_touches_{{ days }}d,
        first_touch_ts_{{ days }}d,
        CASE WHEN n_touches_{{ days }}d > 0 THEN last_touch_ts END AS last_touch_ts_{{ days }}d,
        coalesce(td_sum_{{ days }}d, 0.0) AS td_sum_{{ days }}d
        {%- endfor %}
    FROM ordinary_windows
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
