-- Offending rows: entry_date x funnel x user with more than one entry.
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
{%- set person = 'user_pseudonym, identity_role' if with_role else 'user_pseudonym' %}
SELECT
  entry_date,
  funnel,
  {{ person | replace(', ', ',\n  ') }},
  count(*) AS n_rows
FROM {{ ref('fct_funnel_daily') }}
GROUP BY entry_date, funnel, {{ person }}
HAVING count(*) > 1
