-- Offending rows: week x series whose value in the one-row-a-week frame is not the one of its long table.
{%- set kpis, media, controls = [], [], [] %}
{%- do registered_series('mmm_kpi_registry', kpis) %}
{%- do registered_series('mmm_media_registry', media) %}
{%- do registered_series('mmm_control_registry', controls) %}
{{ spine_differences(ref('fct_mmm_spine_weekly'), [
  {'prefix': 'kpi', 'relation': ref('int_mmm_kpis_weekly'), 'series': kpis},
  {'prefix': 'media', 'relation': ref('int_mmm_media_weekly'), 'series': media},
  {'prefix': 'ctrl', 'relation': ref('int_mmm_controls_weekly'), 'series': controls},
]) }}
