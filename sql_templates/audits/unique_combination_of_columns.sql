{# The `columns` together stand on one row only; NULL counts as a value. #}
{%- set keys = arg('columns') | join(', ') -%}
SELECT
  {{ keys }},
  count(*) AS n_rows
FROM {{ model }} AS audited
GROUP BY {{ keys }}
HAVING count(*) > 1
