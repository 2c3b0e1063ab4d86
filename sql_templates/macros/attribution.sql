{#
Attribution: how the credit of one conversion is shared among the event kinds that touched it before.

`credits` is the ledger, one row per conversion x event_kind with a column per model; within a conversion each
model adds up to 1. `attribution` is a GROUP BY of the ledger, so every mart reconciles with it.
#}

{# Whether credit may skip this kind in the last_non_direct model. #}
{% macro is_direct(event_kind, direct_kinds) -%}
{%- if direct_kinds -%}
{{ event_kind }} IN ({% for kind in direct_kinds %}{{ literal(kind) }}{{ ', ' if not loop.last }}{% endfor %})
{%- else -%}
FALSE
{%- endif -%}
{%- endmacro %}

{#
Share of one kind in the credit of one conversion (n = touches of the conversion in the lookback):
  first_touch, last_touch   kinds tied at the earliest / latest touch share equally
  linear                    touches of the kind / n
  time_decay                decayed sum of the kind / decayed sum of the conversion
  position_based            n <= 2: 0.5 first + 0.5 last; n >= 3: 0.4 first + 0.4 last, 0.2 over the n - 2 between
  last_non_direct           last among the kinds not in `direct_kinds`; the last of all when there are none
#}
{% macro credits(journeys, conversions, direct_kinds, with_role=false) %}
-- Grain: conversion x event_kind; a conversion without an eligible touch is one row, '(unattributed)'.
WITH conversion_totals AS (
    SELECT
        conversion_key,
        conversion_date,
        sum(n_touches) AS n_touches,
        sum(td_sum) AS td_sum,
        min(first_touch_ts) AS first_touch_ts,
        max(last_touch_ts) AS last_touch_ts,
        max(CASE WHEN NOT {{ is_direct('event_kind', direct_kinds) }} THEN last_touch_ts END) AS last_non_direct_ts
    FROM {{ journeys }}
    {%- if is_incremental() %}
    WHERE {{ in_batch('conversion_ts') }}
    {%- endif %}
    GROUP BY conversion_key, conversion_date
),

positions AS (
    SELECT
        journeys.conversion_key,
        journeys.conversion_date,
        journeys.event_kind,
        journeys.n_touches,
        journeys.td_sum,
        totals.n_touches AS total_touches,
        totals.td_sum AS total_td_sum,
        CASE WHEN journeys.first_touch_ts = totals.first_touch_ts THEN 1 ELSE 0 END AS is_first,
        CASE WHEN journeys.last_touch_ts = totals.last_touch_ts THEN 1 ELSE 0 END AS is_last,
        CASE
            WHEN totals.last_non_direct_ts IS NULL
                THEN CASE WHEN journeys.last_touch_ts = totals.last_touch_ts THEN 1 ELSE 0 END
            WHEN NOT {{ is_direct('journeys.event_kind', direct_kinds) }}
                AND journeys.last_touch_ts = totals.last_non_direct_ts
                THEN 1
            ELSE 0
        END AS is_last_non_direct
    FROM {{ journeys }} AS journeys
    INNER JOIN conversion_totals AS totals
        ON journeys.conversion_key = totals.conversion_key
        AND journeys.conversion_date = totals.conversion_date
    {%- if is_incremental() %}
    WHERE {{ in_batch('journeys.conversion_ts') }}
    {%- endif %}
),

ties AS (
    SELECT
        conversion_key,
        conversion_date,
        sum(is_first) AS n_first,
        sum(is_last) AS n_last,
        sum(is_last_non_direct) AS n_last_non_direct
    FROM positions
    GROUP BY conversion_key, conversion_date
),

shares AS (
    SELECT
        positions.conversion_key,
        positions.conversion_date,
        positions.event_kind,
        positions.n_touches,
        positions.total_touches,
        CAST(positions.n_touches AS DOUBLE) / nullif(CAST(positions.total_touches AS DOUBLE), 0) AS linear,
        positions.td_sum / nullif(positions.total_td_sum, 0) AS time_decay,
        CAST(positions.is_first AS DOUBLE) / nullif(CAST(ties.n_first AS DOUBLE), 0) AS first_touch,
        CAST(positions.is_last AS DOUBLE) / nullif(CAST(ties.n_last AS DOUBLE), 0) AS last_touch,
        CAST(positions.is_last_non_direct AS DOUBLE)
        / nullif(CAST(ties.n_last_non_direct AS DOUBLE), 0) AS last_non_direct,
        ties.n_first > 1 AS is_first_tied,
        ties.n_last > 1 AS is_last_tied
    FROM positions
    INNER JOIN ties
        ON positions.conversion_key = ties.conversion_key
        AND positions.conversion_date = ties.conversion_date
)

-- The date is part of every join so that a reader's date range reaches both sides of it.
SELECT
    conversions.conversion_key,
    {%- if with_role %}
    conversions.identity_role,
    {%- endif %}
    conversions.conversion_kind,
    conversions.conversion_ts,
    conversions.conversion_date,
    conversions.conversion_amount,
    coalesce(shares.event_kind, {{ literal('(unattributed)') }}) AS event_kind,
    coalesce(shares.n_touches, 0) AS n_touches,
    coalesce(shares.first_touch, 1.0) AS first_touch,
    coalesce(shares.last_touch, 1.0) AS last_touch,
    coalesce(shares.linear, 1.0) AS linear,
    coalesce(shares.time_decay, 1.0) AS time_decay,
    CASE
        WHEN shares.event_kind IS NULL THEN 1.0
        WHEN shares.total_touches <= 2 THEN 0.5 * shares.first_touch + 0.5 * shares.last_touch
        ELSE 0.4 * shares.first_touch + 0.4 * shares.last_touch
            + 0.2 * (CAST(shares.n_touches AS DOUBLE) - shares.first_touch - shares.last_touch)
            / nullif(CAST(shares.total_touches - 2 AS DOUBLE), 0)
    END AS position_based,
    coalesce(shares.last_non_direct, 1.0) AS last_non_direct,
    coalesce(shares.is_first_tied, FALSE) AS is_first_tied,
    coalesce(shares.is_last_tied, FALSE) AS is_last_tied
FROM {{ conversions }} AS conversions
LEFT JOIN shares
    ON conversions.conversion_key = shares.conversion_key
    AND conversions.conversion_date = shares.conversion_date
{%- if is_incremental() %}
WHERE {{ in_batch('conversions.conversion_ts') }}
{%- endif %}
{% endmacro %}

{% macro attribution(credits, as_of, attribution_window_days) %}
{%- set models = ['first_touch', 'last_touch', 'linear', 'time_decay', 'position_based', 'last_non_direct'] -%}
-- Grain: conversion_kind x event_kind, over the conversions of the {{ attribution_window_days }} days before as_of.
WITH recent_credits AS (
    SELECT
        conversion_key,
        conversion_kind,
        event_kind,
        n_touches,
        CAST(conversion_amount AS DOUBLE) AS conversion_amount
        {%- for model in models %},
        {{ model }}
        {%- endfor %}
    FROM {{ credits }}
    WHERE conversion_date >= CAST({{ as_of }} - INTERVAL {{ attribution_window_days }} DAY AS DATE)
        AND conversion_date < {{ as_of }}
),

conversion_counts AS (
    SELECT conversion_kind, count(DISTINCT conversion_key) AS total_conversions
    FROM recent_credits
    GROUP BY conversion_kind
),

kind_credits AS (
    SELECT
        conversion_kind,
        event_kind,
        count(CASE WHEN n_touches > 0 THEN 1 END) AS conversions_with_touch
        {%- for model in models %},
        sum({{ model }}) AS {{ model }}
        {%- endfor %}
        {%- for model in models %},
        coalesce(sum({{ model }} * conversion_amount), 0.0) AS {{ model }}_amount
        {%- endfor %}
    FROM recent_credits
    GROUP BY conversion_kind, event_kind
)

SELECT
    kind_credits.conversion_kind,
    kind_credits.event_kind,
    kind_credits.conversions_with_touch
    {%- for model in models %},
    kind_credits.{{ model }}
    {%- endfor %},
    conversion_counts.total_conversions
    {%- for model in models %},
    kind_credits.{{ model }}_amount
    {%- endfor %}
FROM kind_credits
INNER JOIN conversion_counts ON kind_credits.conversion_kind = conversion_counts.conversion_kind
{% endmacro %}
