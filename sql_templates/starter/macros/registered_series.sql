{# The series of one registry of the stack, less those whose optional source the project does not have. #}
{% macro registered_series(registry_name, series) -%}
{%- set absent_models = [] -%}
{%- for name in ['spend', 'kpis', 'controls'] if not has_source(name) -%}
{%- do absent_models.append('stg_' ~ name) -%}
{%- endfor -%}
{%- do collect_series(registry(registry_name), absent_models, series) -%}
{%- endmacro %}
