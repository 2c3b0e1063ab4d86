{{ config(materialized='table', tags=['mmm']) }}
{%- set kpis, media, controls = [], [], [] %}
{%- do registered_series('mmm_kpi_registry', kpis) %}
{%- do registered_series('mmm_media_registry', media) %}
{%- do registered_series('mmm_control_registry', controls) %}
{{ mmm_spine(ref('int_mmm_weeks'), [
  {'prefix': 'kpi', 'relation': ref('int_mmm_kpis_weekly'), 'series': kpis},
  {'prefix': 'media', 'relation': ref('int_mmm_media_weekly'), 'series': media},
  {'prefix': 'ctrl', 'relation': ref('int_mmm_controls_weekly'), 'series': controls},
]) }}
