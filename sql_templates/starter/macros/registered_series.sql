{# The series of one registry of the stack, less those whose optional source the project does not have. #}
{% macro registered_series(registry_name, series) -%}
{%- set absent_models = [] -%}
{%- for name in ['spend', 'kpis', 'controls'] if not has_source(name) -%}
{%- do absent_models.append('stg_' ~ name) -%}
{%- endfor -%}
{%- do collect_series(registry(registry_name), absent_models, series) -%}
{%- endmacro %}

{# Those of the series that count touchpoints by their day, into the given list. Touchpoints are the largest input, and
   are refreshed by that day. What goes by another column, or reads another relation, is made whole each time. #}
{% macro series_of_touchpoints(series, of_touchpoints) -%}
{%- for item in series if item.input in ('stg_touchpoints.event_date', 'stg_touchpoints.event_ts') -%}
{%- do of_touchpoints.append(item) -%}
{%- endfor -%}
{%- endmacro %}
