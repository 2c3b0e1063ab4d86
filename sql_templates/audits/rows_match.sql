{# The rows of the model and of the relations in `plus` are, together, as many as those of the relation `to`, or of the
   source `to_source`. #}
{%- set parts = [model] -%}
{%- for name in arg('plus', []) -%}
{%- do parts.append(ref(name)) -%}
{%- endfor -%}
WITH counts AS (
  {%- for part in parts %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT count(*) AS n_rows, 0 AS n_expected
  FROM {{ part }} AS part_{{ loop.index }}
  {%- endfor %}
  UNION ALL
  SELECT 0 AS n_rows, count(*) AS n_expected
  FROM {{ source(arg('to_source')) if arg('to_source', none) else ref(arg('to')) }} AS expected
)

SELECT
  sum(n_rows) AS n_rows,
  sum(n_expected) AS n_expected
FROM counts
HAVING sum(n_rows) <> sum(n_expected)
