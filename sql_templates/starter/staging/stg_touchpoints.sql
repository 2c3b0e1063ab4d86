{#- A copy of an id may lie in any other month: where rows have ids, the relation is built whole. #}
{{- config(
  materialized='table' if has_column('touchpoints', 'event_id') else 'incremental',
  time_column='event_ts',
  complete_days=false,
  undated='1970-01-01',
  tags=['staging', 'attribution']
) }}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
-- Grain: accepted touchpoint.
WITH {{ classified_touchpoints() }}

SELECT
  user_id AS user_pseudonym,
  {%- if with_role %}
  identity_role,
  {%- endif %}
  event_ts,
  CAST(event_ts AS DATE) AS event_date,
  event_kind,
  event_id,
  event_source,
  campaign,
  interaction,
  amount
FROM classified
WHERE reason IS NULL
