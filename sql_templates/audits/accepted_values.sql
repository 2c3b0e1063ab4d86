{# Every value is one of `values`. NULL passes. #}
{{- config(scope='rows') }}
{%- set checked = column if column is defined and column else arg('column') -%}
SELECT *
FROM {{ model }} AS audited
WHERE {{ checked }} IS NOT NULL
  {%- for value in arg('values') %}
  AND {{ checked }} <> {{ literal(value) }}
  {%- endfor %}
