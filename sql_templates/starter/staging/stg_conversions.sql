{{ config(
  materialized='table',
  time_column='conversion_ts',
  order_by=['conversion_ts'],
  tags=['staging', 'attribution']
) }}
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
-- Grain: accepted conversion.
WITH {{ classified_conversions() }}

SELECT
  conversion_key,
  user_id AS user_pseudonym,
  {%- if with_role %}
  identity_role,
  {%- endif %}
  conversion_kind,
  conversion_ts,
  CAST(conversion_ts AS DATE) AS conversion_date,
  amount AS conversion_amount,
  currency
FROM classified
WHERE reason IS NULL
