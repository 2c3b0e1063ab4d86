{# Every value stands in the column `field` of the relation `to`. NULL passes. #}
{%- set checked = column if column is defined and column else arg('column') -%}
SELECT *
FROM {{ model }} AS audited
WHERE audited.{{ checked }} IS NOT NULL
  AND NOT EXISTS (
    SELECT 1
    FROM {{ ref(arg('to')) }} AS referenced
    WHERE referenced.{{ arg('field') }} = audited.{{ checked }}
  )
