{# On every day of the model the column adds up to the rows that the relation `to` has on that day. `day` is the column of
   the day in both, and lies on the day by which they are refreshed. Days that only `to` has are not looked for. #}
{%- set day = arg('day') -%}
{{- config(scope='groups') }}
{%- set checked = column if column is defined and column else arg('column') -%}
WITH counted AS (
  SELECT
    {{ day }},
    sum({{ checked }}) AS n_counted
  FROM {{ model }} AS audited
  GROUP BY {{ day }}
),

present AS (
  SELECT
    {{ day }},
    count(*) AS n_rows
  FROM {{ visible(ref(arg('to'))) }} AS other_relation
  GROUP BY {{ day }}
)

SELECT
  counted.{{ day }},
  counted.n_counted,
  coalesce(present.n_rows, 0) AS n_rows
FROM counted
LEFT JOIN present ON counted.{{ day }} = present.{{ day }}
WHERE NOT coalesce(counted.n_counted = coalesce(present.n_rows, 0), FALSE)
