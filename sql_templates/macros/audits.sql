{# Conditions that audits share. #}

{# Whether two rows have the same key; NULL counts as a value. #}
{% macro same_key(one, other, columns) %}
{%- for column in columns %}
{{- ' AND ' if not loop.first }}{{ one }}.{{ column }} IS NOT DISTINCT FROM {{ other }}.{{ column }}
{%- endfor %}
{%- endmacro %}
