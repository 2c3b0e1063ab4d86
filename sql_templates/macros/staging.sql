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

{# Days that every engine knows, and between them every touch that anybody has had. #}
{% macro is_in_calendar(timestamp) -%}
coalesce({{ timestamp }} >= TIMESTAMP '1900-01-01' AND {{ timestamp }} < TIMESTAMP '2299-01-01', FALSE)
{%- endmacro %}

{# The day of a rejected row. Rows without one are filed under 1970-01-01. #}
{% macro filing_day(timestamp) -%}
CASE WHEN {{ is_in_calendar(timestamp) }} THEN CAST({{ timestamp }} AS DATE) ELSE DATE '1970-01-01' END
{%- endmacro %}

{# The rows of a source that are filed under a day of the batch, written so that engines can skip blocks of other days. #}
{% macro filed_in_batch(timestamp) -%}
({{ timestamp }} >= {{ batch.start }} AND {{ timestamp }} < {{ batch.end }})
OR (
  ({{ timestamp }} IS NULL OR {{ timestamp }} < TIMESTAMP '1900-01-01' OR {{ timestamp }} >= TIMESTAMP '2299-01-01')
  AND {{ batch.start }} <= TIMESTAMP '1970-01-01'
  AND {{ batch.end }} > TIMESTAMP '1970-01-01'
)
{%- endmacro %}

{# Neither NULL nor infinite nor NaN, which some engines sort above every number. #}
{% macro is_finite(expression) -%}
coalesce(abs({{ expression }}) <= 1.7976931348623157e308, FALSE)
{%- endmacro %}
