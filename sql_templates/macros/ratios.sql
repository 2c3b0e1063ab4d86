{# Ratios are made from totals at the grain they are shown at, and are NULL where nothing divides them. #}

{% macro ratio(numerator, denominator) -%}
CAST({{ numerator }} AS DOUBLE) / nullif(CAST({{ denominator }} AS DOUBLE), 0)
{%- endmacro %}
