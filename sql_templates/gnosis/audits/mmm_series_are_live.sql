{{ config(severity='warn') }}
-- Offending rows: registered series without a single observed week.
SELECT
  family,
  name
FROM (
  {%- for prefix, relation in [
    ('kpi', 'int_execution_mmm_kpis_weekly'),
    ('media', 'int_execution_mmm_media_weekly'),
    ('ctrl', 'int_execution_mmm_controls_weekly'),
  ] %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    '{{ prefix }}' AS family,
    name,
    status
  FROM {{ ref(relation) }}
  {%- endfor %}
) AS series
GROUP BY family, name
HAVING count(CASE WHEN status = 'observed' THEN 1 END) = 0
