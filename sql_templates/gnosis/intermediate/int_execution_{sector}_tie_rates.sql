{{ config(materialized='view', tags=['mta', sector, 'coverage']) }}
{%- set key = 'conversion_kind, identity_role' if sector == 'gpay' else 'conversion_kind' %}
-- Grain: lookback_days x {{ key | replace(', ', ' x ') }}, over all conversions with an eligible touch.
{%- for days in var('lookbacks') | unique | sort %}
{{ 'UNION ALL\n' if not loop.first }}SELECT
  CAST({{ days }} AS BIGINT) AS lookback_days,
  {{ key | replace(', ', ',\n  ') }},
  count(*) AS tracked_conversions,
  count(CASE WHEN is_first_tied THEN 1 END) AS first_tied_conversions,
  count(CASE WHEN is_last_tied THEN 1 END) AS last_tied_conversions,
  {{ ratio('count(CASE WHEN is_first_tied OR is_last_tied THEN 1 END)', 'count(*)') }} AS tie_rate
FROM (
  SELECT DISTINCT
    conversion_key,
    {{ key | replace(', ', ',\n    ') }},
    is_first_tied,
    is_last_tied
  FROM {{ ref('int_execution_' ~ sector ~ '_credits_' ~ days ~ 'd') }}
  WHERE n_touches > 0
) AS conversions_{{ days }}d
GROUP BY {{ key }}
{%- endfor %}
