{# The three kinds of registered series, as mappings of prefix, relation and series, into the given list. #}
{% macro collect_families(families) -%}
{%- for prefix, relation, registry_name in [
  ('kpi', 'int_execution_mmm_kpis_weekly', 'mmm_kpi_registry'),
  ('media', 'int_execution_mmm_media_weekly', 'mmm_media_registry'),
  ('ctrl', 'int_execution_mmm_controls_weekly', 'mmm_control_registry'),
] -%}
{%- set series = [] -%}
{%- do collect_series(registry(registry_name), [], series) -%}
{%- do families.append({'prefix': prefix, 'relation': ref(relation), 'series': series}) -%}
{%- endfor -%}
{%- endmacro %}
