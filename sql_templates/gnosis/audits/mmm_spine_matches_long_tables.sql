-- Offending rows: week x series whose value in the one-row-a-week frame is not the one of its long table.
{%- set families = [] %}
{%- do collect_families(families) %}
WITH both_forms AS (
  {%- for family in families %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    week,
    '{{ family.prefix }}_' || name AS column_name,
    1 AS n_long,
    0 AS n_wide,
    value AS long_value,
    CAST(NULL AS DOUBLE) AS wide_value
  FROM {{ family.relation }}
  {%- endfor %}
  {%- for family in families %}
  {%- for item in family.series %}
  UNION ALL
  SELECT
    week,
    '{{ family.prefix }}_{{ item.name }}' AS column_name,
    0 AS n_long,
    1 AS n_wide,
    CAST(NULL AS DOUBLE) AS long_value,
    {{ family.prefix }}_{{ item.name }} AS wide_value
  FROM {{ ref('fct_execution_mmm_spine_weekly') }}
  {%- endfor %}
  {%- endfor %}
),

compared AS (
  SELECT
    week,
    column_name,
    sum(n_long) AS n_long,
    sum(n_wide) AS n_wide,
    max(long_value) AS long_value,
    max(wide_value) AS wide_value
  FROM both_forms
  GROUP BY week, column_name
)

SELECT
  week,
  column_name,
  n_long,
  n_wide,
  long_value,
  wide_value
FROM compared
WHERE n_long <> 1 OR n_wide <> 1 OR long_value IS DISTINCT FROM wide_value
