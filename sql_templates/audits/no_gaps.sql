{# The dates of the column follow each other without a gap, in every group of `group_by`. `grain`: day (default) or week. #}
{%- set checked = column if column is defined and column else arg('column') -%}
{%- set groups = arg('group_by', []) -%}
{%- set steps = {'day': 1, 'week': 7} -%}
{%- set grain = arg('grain', 'day') -%}
{%- if grain not in steps -%}
{{ raise_error('no_gaps: unknown grain "' ~ grain ~ '"; known are day and week') }}
{%- endif -%}
WITH present_dates AS (
  SELECT DISTINCT
    {%- for group in groups %}
    {{ group }},
    {%- endfor %}
    {{ checked }} AS present_date
  FROM {{ model }} AS audited
  WHERE {{ checked }} IS NOT NULL
),

neighbours AS (
  SELECT
    {%- for group in groups %}
    {{ group }},
    {%- endfor %}
    present_date,
    lead(present_date) OVER (
      {%- if groups %}
      PARTITION BY {{ groups | join(', ') }}
      {%- endif %}
      ORDER BY present_date
    ) AS next_date
  FROM present_dates
)

SELECT
  {%- for group in groups %}
  {{ group }},
  {%- endfor %}
  present_date AS last_date_before_gap,
  next_date AS first_date_after_gap
FROM neighbours
WHERE next_date IS NOT NULL AND date_diff('day', present_date, next_date) <> {{ steps[grain] }}
