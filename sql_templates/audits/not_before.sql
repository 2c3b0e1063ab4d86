{# No row is dated before the variable `var`; without a value of the variable nothing is early. Tells how much a configured
   start leaves out. #}
{{- config(scope='rows') }}
{%- set checked = column if column is defined and column else arg('column') -%}
SELECT
  {{ checked }},
  count(*) AS n_rows
FROM {{ model }} AS audited
{%- if var(arg('var')) %}
WHERE {{ checked }} < CAST({{ literal(var(arg('var')) | string) }} AS DATE)
{%- else %}
WHERE FALSE
{%- endif %}
GROUP BY {{ checked }}
