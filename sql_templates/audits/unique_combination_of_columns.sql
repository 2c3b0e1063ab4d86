{# The `columns` together stand on one row only; NULL counts as a value. #}
{{- config(scope='keys') }}
{%- set columns = arg('columns') -%}
{%- set keys = columns | join(', ') -%}
SELECT
  {{ keys }},
  count(*) AS n_rows
FROM {{ model }} AS audited
GROUP BY {{ keys }}
HAVING count(*) > 1
{%- if outside and time_column not in columns %}
UNION ALL
SELECT
  {%- for name in columns %}
  inside.{{ name }},
  {%- endfor %}
  CAST(2 AS BIGINT) AS n_rows
FROM {{ outside }} AS others
INNER JOIN (SELECT DISTINCT {{ keys }} FROM {{ model }} AS audited) AS inside
  ON {{ same_key('others', 'inside', columns) }}
{%- endif %}
