{# Every row has a value. #}
{{- config(scope='rows') }}
{%- set checked = column if column is defined and column else arg('column') -%}
SELECT *
FROM {{ model }} AS audited
WHERE {{ checked }} IS NULL
