{# A value stands on one row only. NULL repeats freely: not_null is an audit of its own. #}
{%- set checked = column if column is defined and column else arg('column') -%}
SELECT
  {{ checked }},
  count(*) AS n_rows
FROM {{ model }} AS audited
WHERE {{ checked }} IS NOT NULL
GROUP BY {{ checked }}
HAVING count(*) > 1
