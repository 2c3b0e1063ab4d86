{# Every value lies between `min_value` and `max_value`, either of which may be left out; `inclusive` (default true) says
   whether the bounds themselves are allowed. NULL passes. #}
{{- config(scope='rows') }}
{%- set checked = column if column is defined and column else arg('column') -%}
{%- set inclusive = arg('inclusive', true) -%}
{%- set min_value, max_value = arg('min_value', none), arg('max_value', none) -%}
{%- if min_value is none and max_value is none -%}
{{ raise_error('accepted_range needs min_value or max_value') }}
{%- endif -%}
SELECT *
FROM {{ model }} AS audited
WHERE
  {%- if min_value is not none %}
  {{ checked }} {{ '<' if inclusive else '<=' }} {{ min_value }}
  {%- endif %}
  {%- if max_value is not none %}
  {{ 'OR ' if min_value is not none }}{{ checked }} {{ '>' if inclusive else '>=' }} {{ max_value }}
  {%- endif %}
