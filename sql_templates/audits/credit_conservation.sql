{# In every group of `key` each attribution model hands out exactly `total` (default 1, or a column that repeats on the rows
   of a group). `conversions`, a relation with the same key, adds that no conversion is without credit. `tolerance`
   (default 1e-9) is relative to the total, and absolute below 1. #}
{%- set key = arg('key', ['conversion_key']) -%}
{{- config(scope='groups', keys=key) }}
{%- set models = arg('models', ['first_touch', 'last_touch', 'linear', 'time_decay', 'position_based', 'last_non_direct']) -%}
{%- set conversions = arg('conversions', none) -%}
WITH credited AS (
  SELECT
    {%- for part in key %}
    {{ part }},
    {%- endfor %}
    {%- for name in models %}
    sum({{ name }}) AS {{ name }},
    {%- endfor %}
    max({{ arg('total', 1) }}) AS total
  FROM {{ model }} AS audited
  GROUP BY {{ key | join(', ') }}
)

SELECT
  {%- for part in key %}
  {{ part }},
  {%- endfor %}
  {%- for name in models %}
  {{ name }},
  {%- endfor %}
  total
FROM credited
WHERE
  {%- for name in models %}
  {{ 'OR ' if not loop.first -}}
  NOT coalesce(abs({{ name }} - total) <= {{ arg('tolerance', 1e-9) }} * greatest(1.0, CAST(total AS DOUBLE)), FALSE)
  {%- endfor %}
{%- if outside and time_column not in key %}
UNION ALL
SELECT
  {%- for part in key %}
  credited.{{ part }},
  {%- endfor %}
  {%- for name in models %}
  credited.{{ name }},
  {%- endfor %}
  credited.total
FROM {{ outside }} AS others
INNER JOIN credited
  ON {{ same_key('others', 'credited', key) }}
{%- endif %}
{%- if conversions %}
UNION ALL
SELECT
  {%- for part in key %}
  conversions.{{ part }},
  {%- endfor %}
  {%- for name in models %}
  CAST(0 AS DOUBLE) AS {{ name }},
  {%- endfor %}
  1 AS total
FROM {{ same_days(ref(conversions)) }} AS conversions
WHERE NOT EXISTS (
  SELECT 1
  FROM credited
  WHERE
    {%- for part in key %}
    {{ 'AND ' if not loop.first }}credited.{{ part }} = conversions.{{ part }}
    {%- endfor %}
)
{%- endif %}
