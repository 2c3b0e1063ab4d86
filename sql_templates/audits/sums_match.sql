{# Sums agree with those of the relation `to`, in every group. `measures` and `to_measures` (default the same) are SQL
   expressions, `group_by` and `to_group_by` (default the same) too; `to_where` filters the other relation;
   `tolerance` (default 1e-9) is relative to the larger sum, and absolute below 1. #}
{%- set measures = arg('measures') -%}
{%- set to_measures = arg('to_measures', measures) -%}
{%- set groups = arg('group_by', []) -%}
{%- set to_groups = arg('to_group_by', groups) -%}
{%- set tolerance = arg('tolerance', 1e-9) -%}
{%- if measures | length != to_measures | length or groups | length != to_groups | length -%}
{{ raise_error('sums_match: both sides need as many measures, and as many columns to group by') }}
{%- endif -%}
WITH both_sides AS (
  SELECT
    {%- for group in groups %}
    {{ group }} AS group_{{ loop.index }},
    {%- endfor %}
    {%- for measure in measures %}
    CAST({{ measure }} AS DOUBLE) AS this_{{ loop.index }},
    CAST(NULL AS DOUBLE) AS other_{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
  FROM {{ model }} AS audited
  UNION ALL
  SELECT
    {%- for group in to_groups %}
    {{ group }} AS group_{{ loop.index }},
    {%- endfor %}
    {%- for measure in to_measures %}
    CAST(NULL AS DOUBLE) AS this_{{ loop.index }},
    CAST({{ measure }} AS DOUBLE) AS other_{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
  FROM {{ ref(arg('to')) }} AS other_relation
  {%- if arg('to_where', none) %}
  WHERE {{ arg('to_where') }}
  {%- endif %}
),

sums AS (
  SELECT
    {%- for group in groups %}
    group_{{ loop.index }},
    {%- endfor %}
    {%- for measure in measures %}
    coalesce(sum(this_{{ loop.index }}), 0.0) AS this_{{ loop.index }},
    coalesce(sum(other_{{ loop.index }}), 0.0) AS other_{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
  FROM both_sides
  {%- for group in groups %}
  {{ 'GROUP BY ' if loop.first }}group_{{ loop.index }}{{ ',' if not loop.last }}
  {%- endfor %}
)

SELECT
  {%- for group in groups %}
  group_{{ loop.index }},
  {%- endfor %}
  {%- for measure in measures %}
  this_{{ loop.index }},
  other_{{ loop.index }}{{ ',' if not loop.last }}
  {%- endfor %}
FROM sums
WHERE
  {%- for measure in measures %}
  {{ 'OR ' if not loop.first -}}
  abs(this_{{ loop.index }} - other_{{ loop.index }})
    > {{ tolerance }} * greatest(1.0, abs(this_{{ loop.index }}), abs(other_{{ loop.index }}))
  {%- endfor %}
