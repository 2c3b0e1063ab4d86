{# A value stands on one row only. NULL repeats freely: not_null is an audit of its own. #}
{{- config(scope='keys') }}
{%- set checked = column if column is defined and column else arg('column') -%}
SELECT
  {{ checked }},
  count(*) AS n_rows
FROM {{ model }} AS audited
WHERE {{ checked }} IS NOT NULL
GROUP BY {{ checked }}
HAVING count(*) > 1
{%- if outside and checked != time_column %}
UNION ALL
SELECT
  inside.{{ checked }},
  CAST(2 AS BIGINT) AS n_rows
FROM {{ outside }} AS others
INNER JOIN (SELECT DISTINCT {{ checked }} FROM {{ model }} AS audited) AS inside
  ON others.{{ checked }} = inside.{{ checked }}
{%- endif %}
