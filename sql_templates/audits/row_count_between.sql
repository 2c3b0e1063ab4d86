{# The relation has at least `min_value` and at most `max_value` rows; either may be left out. With a minimum alone no more rows
   are looked at than it takes. #}
{%- set min_value, max_value = arg('min_value', none), arg('max_value', none) -%}
{%- if min_value is none and max_value is none -%}
{{ raise_error('row_count_between needs min_value or max_value') }}
{%- endif -%}
SELECT n_rows
FROM (
  SELECT count(*) AS n_rows
  FROM {{ model if max_value is not none else '(SELECT 1 AS is_there FROM ' ~ model ~ ' LIMIT ' ~ min_value ~ ')' }} AS audited
) AS counted
WHERE
  {%- if min_value is not none %}
  n_rows < {{ min_value }}
  {%- endif %}
  {%- if max_value is not none %}
  {{ 'OR ' if min_value is not none }}n_rows > {{ max_value }}
  {%- endif %}
