{# Every value stands in the column `field` of the relation `to`. NULL passes. #}
{{- config(scope='rows') }}
{%- set checked = column if column is defined and column else arg('column') -%}
SELECT *
FROM {{ model }} AS audited
WHERE audited.{{ checked }} IS NOT NULL
  AND NOT EXISTS (
    SELECT 1
    FROM {{ visible(ref(arg('to'))) }} AS referenced
    WHERE referenced.{{ arg('field') }} = audited.{{ checked }}
  )
