{{ config(scope='keys') }}
-- Offending rows: entry_date x funnel x user with more than one entry.
{%- set with_role = has_column('touchpoints', 'identity_role') and has_column('conversions', 'identity_role') %}
{%- set person = 'user_pseudonym, identity_role' if with_role else 'user_pseudonym' %}
SELECT
  entry_date,
  funnel,
  {{ person | replace(', ', ',\n  ') }},
  count(*) AS n_rows
FROM {{ same_days(ref('fct_funnel_daily')) }} AS entries
GROUP BY entry_date, funnel, {{ person }}
HAVING count(*) > 1
