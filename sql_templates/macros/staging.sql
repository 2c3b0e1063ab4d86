{#
Staging: what makes an input row usable.

Every source is classified once, by one macro of its stack: each row gets a `reason`, NULL when the row is good. The
accepted relation and the `*_rejects` relation are the two halves of that, so together they are what was read.
#}

{# Text without surrounding blanks; blank text is missing. #}
{% macro text_or_null(column) -%}
nullif(trim({{ column }}), '')
{%- endmacro %}

{# WHEN branches of a reason: which of the columns held a text that is not of its type. Sources report it as `column: 'text'`. #}
{% macro unreadable_reasons(columns) -%}
{% for column in columns -%}
WHEN _unreadable LIKE '{{ column }}:%' THEN 'unreadable {{ column }}'
{% endfor -%}
WHEN _unreadable IS NOT NULL THEN 'unreadable value'
{%- endmacro %}

{# Neither NULL nor infinite nor NaN, which some engines sort above every number. #}
{% macro is_finite(expression) -%}
coalesce(abs({{ expression }}) <= 1.7976931348623157e308, FALSE)
{%- endmacro %}
