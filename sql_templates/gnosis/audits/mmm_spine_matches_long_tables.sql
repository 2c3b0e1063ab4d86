-- Offending rows: week x series whose value in the one-row-a-week frame is not the one of its long table.
{%- set families = [] %}
{%- do collect_families(families) %}
{{ spine_differences(ref('fct_execution_mmm_spine_weekly'), families) }}
