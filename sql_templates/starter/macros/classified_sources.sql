{#
The sources of the stack, classified: for each source the CTEs up to `classified`, which holds every input row, cleaned,
with the `reason` why it cannot be used. The first reason in reading order counts.
#}

{% macro classified_touchpoints() -%}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') -%}
{%- if has_column('touchpoints', 'event_id') -%}
repeated_ids AS (
  SELECT event_id
  FROM {{ judged_touchpoints(with_role) | indent(2) }} AS judged
  WHERE reason IS NULL AND event_id IS NOT NULL
  GROUP BY event_id
  HAVING count(*) > 1
),

-- Only rows that share an id are sorted: in a clean log there are none.
repeated_rows AS (
  SELECT
    {{ touchpoint_columns('judged.') | indent(4) }},
    row_number() OVER (
      PARTITION BY judged.event_id
      ORDER BY
        judged.event_ts,
        judged.user_id,
        judged.event_kind,
        judged.identity_role NULLS LAST,
        judged.event_source NULLS LAST,
        judged.campaign NULLS LAST,
        judged.interaction NULLS LAST,
        judged.amount NULLS LAST
    ) AS copy_no
  FROM {{ judged_touchpoints(with_role) | indent(2) }} AS judged
  INNER JOIN repeated_ids ON judged.event_id = repeated_ids.event_id
  WHERE judged.reason IS NULL
),

classified AS (
  SELECT
    {{ touchpoint_columns('judged.') | indent(4) }},
    judged.reason
  FROM {{ judged_touchpoints(with_role) | indent(2) }} AS judged
  LEFT JOIN repeated_ids ON judged.event_id = repeated_ids.event_id
  WHERE judged.reason IS NOT NULL OR repeated_ids.event_id IS NULL
  UNION ALL
  SELECT
    {{ touchpoint_columns('') | indent(4) }},
    CASE WHEN copy_no > 1 THEN 'duplicate event_id' END AS reason
  FROM repeated_rows
)
{%- else -%}
classified AS (
  SELECT
    {{ touchpoint_columns('judged.') | indent(4) }},
    judged.reason
  FROM {{ judged_touchpoints(with_role) | indent(2) }} AS judged
)
{%- endif -%}
{%- endmacro %}

{% macro touchpoint_columns(prefix) -%}
{%- for column in [
  'user_id', 'event_ts', 'event_kind', 'event_id', 'event_source', 'campaign', 'interaction', 'identity_role', 'amount',
  '_unreadable'
] -%}
{{ prefix }}{{ column }}{{ ',\n' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{# A subquery rather than a CTE: engines keep a CTE that is read twice in memory, whole. #}
{% macro judged_touchpoints(with_role) -%}
(
  SELECT
    {{ touchpoint_columns('cleaned.') | indent(4) }},
    CASE
      WHEN user_id IS NULL THEN 'missing user_id'
      {{ unreadable_reasons(['event_ts', 'amount']) | indent(6) }}
      WHEN event_ts IS NULL THEN 'missing event_ts'
      WHEN NOT {{ is_in_calendar('event_ts') }} THEN 'impossible event_ts'
      WHEN event_kind IS NULL THEN 'missing event_kind'
      WHEN event_kind = '(unattributed)' THEN 'reserved event_kind'
      {%- if with_role %}
      WHEN identity_role IS NULL THEN 'missing identity_role'
      {%- endif %}
    END AS reason
  FROM (
    SELECT
      {{ text_or_null('user_id') }} AS user_id,
      event_ts,
      {{ text_or_null('event_kind') }} AS event_kind,
      {{ text_or_null('event_id') }} AS event_id,
      {{ text_or_null('event_source') }} AS event_source,
      {{ text_or_null('campaign') }} AS campaign,
      {{ text_or_null('interaction') }} AS interaction,
      {{ text_or_null('identity_role') }} AS identity_role,
      amount,
      _unreadable
    FROM {{ source('touchpoints') }}
    {%- if is_incremental() %}
    WHERE {{ filed_in_batch('event_ts') }}
    {%- endif %}
  ) AS cleaned
)
{%- endmacro %}

{# A conversion is the id it brings; without one its content is its identity, and equal rows are told apart by a number. #}
{% macro classified_conversions() -%}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') -%}
cleaned AS (
  SELECT
    {{ text_or_null('user_id') }} AS user_id,
    conversion_ts,
    {{ text_or_null('conversion_kind') }} AS conversion_kind,
    {{ text_or_null('conversion_id') }} AS conversion_id,
    {{ text_or_null('currency') }} AS currency,
    {{ text_or_null('identity_role') }} AS identity_role,
    amount,
    _unreadable
  FROM {{ source('conversions') }}
),

judged AS (
  SELECT
    user_id,
    conversion_ts,
    conversion_kind,
    conversion_id,
    currency,
    identity_role,
    amount,
    _unreadable,
    CASE
      WHEN conversion_id IS NULL THEN md5(
        coalesce('user ' || user_id, '')
        || coalesce('|role ' || identity_role, '')
        || coalesce('|kind ' || conversion_kind, '')
        || coalesce('|time ' || CAST({{ epoch_microseconds('conversion_ts') }} AS VARCHAR), '')
        || coalesce('|currency ' || currency, '')
        || coalesce('|amount ' || CAST(CAST(floor(amount) AS BIGINT) AS VARCHAR), '')
        || coalesce('|millionths ' || CAST(CAST(floor((amount - floor(amount)) * 1000000) AS BIGINT) AS VARCHAR), '')
      )
    END AS content_hash,
    CASE
      WHEN user_id IS NULL THEN 'missing user_id'
      {{ unreadable_reasons(['conversion_ts', 'amount']) | indent(6) }}
      WHEN conversion_ts IS NULL THEN 'missing conversion_ts'
      WHEN NOT {{ is_in_calendar('conversion_ts') }} THEN 'impossible conversion_ts'
      WHEN conversion_kind IS NULL THEN 'missing conversion_kind'
      {%- if with_role %}
      WHEN identity_role IS NULL THEN 'missing identity_role'
      {%- endif %}
    END AS fault
  FROM cleaned
),

numbered AS (
  SELECT
    user_id,
    conversion_ts,
    conversion_kind,
    conversion_id,
    currency,
    identity_role,
    amount,
    _unreadable,
    content_hash,
    fault,
    row_number() OVER (
      PARTITION BY fault, conversion_id, content_hash
      ORDER BY
        conversion_ts NULLS LAST,
        user_id NULLS LAST,
        conversion_kind NULLS LAST,
        identity_role NULLS LAST,
        currency NULLS LAST,
        amount NULLS LAST,
        _unreadable NULLS LAST
    ) AS copy_no
  FROM judged
),

classified AS (
  SELECT
    coalesce(conversion_id, content_hash || '-' || CAST(copy_no AS VARCHAR)) AS conversion_key,
    user_id,
    conversion_ts,
    conversion_kind,
    conversion_id,
    currency,
    identity_role,
    amount,
    _unreadable,
    CASE
      WHEN fault IS NOT NULL THEN fault
      WHEN conversion_id IS NOT NULL AND copy_no > 1 THEN 'duplicate conversion_id'
    END AS reason
  FROM numbered
)
{%- endmacro %}

{% macro classified_spend() -%}
cleaned AS (
  SELECT
    date,
    {{ text_or_null('channel') }} AS channel,
    {{ text_or_null('platform') }} AS platform,
    {{ text_or_null('campaign') }} AS campaign,
    spend,
    impressions,
    clicks,
    _unreadable
  FROM {{ source('spend') }}
),

classified AS (
  SELECT
    date,
    channel,
    platform,
    campaign,
    spend,
    impressions,
    clicks,
    _unreadable,
    CASE
      {{ unreadable_reasons(['date', 'spend', 'impressions', 'clicks']) | indent(6) }}
      WHEN date IS NULL THEN 'missing date'
      WHEN channel IS NULL THEN 'missing channel'
      WHEN channel = '(unattributed)' THEN 'reserved channel'
      WHEN spend IS NULL THEN 'missing spend'
      WHEN spend < 0 THEN 'negative spend'
      WHEN impressions < 0 THEN 'negative impressions'
      WHEN clicks < 0 THEN 'negative clicks'
    END AS reason
  FROM cleaned
)
{%- endmacro %}

{% macro classified_kpis() -%}
cleaned AS (
  SELECT
    date,
    week,
    {{ text_or_null('kpi_name') }} AS kpi_name,
    value,
    _unreadable
  FROM {{ source('kpis') }}
),

classified AS (
  SELECT
    date,
    week,
    kpi_name,
    value,
    _unreadable,
    CASE
      {{ unreadable_reasons(['date', 'week', 'value']) | indent(6) }}
      WHEN coalesce(date, week) IS NULL THEN 'missing date'
      WHEN kpi_name IS NULL THEN 'missing kpi_name'
      WHEN value IS NULL THEN 'missing value'
      WHEN NOT {{ is_finite('value') }} THEN 'value is not finite'
    END AS reason
  FROM cleaned
)
{%- endmacro %}

{% macro classified_controls() -%}
cleaned AS (
  SELECT
    date,
    {{ text_or_null('control_name') }} AS control_name,
    value,
    _unreadable
  FROM {{ source('controls') }}
),

classified AS (
  SELECT
    date,
    control_name,
    value,
    _unreadable,
    CASE
      {{ unreadable_reasons(['date', 'value']) | indent(6) }}
      WHEN date IS NULL THEN 'missing date'
      WHEN control_name IS NULL THEN 'missing control_name'
      WHEN value IS NULL THEN 'missing value'
      WHEN NOT {{ is_finite('value') }} THEN 'value is not finite'
    END AS reason
  FROM cleaned
)
{%- endmacro %}
