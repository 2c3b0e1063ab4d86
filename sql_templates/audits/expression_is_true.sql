{# The SQL condition `expression` holds on every row; unknown (NULL) passes, as in a CHECK constraint. #}
{{- config(scope='rows') }}
SELECT *
FROM {{ model }} AS audited
WHERE NOT ({{ arg('expression') }})
