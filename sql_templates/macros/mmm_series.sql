{#
Marketing mix: weekly series from registries. A registry row carries all that its series needs (relation, date, value,
weight, filter, method, fill), so a new series is a new row and nothing else.

An input is read once, by day, for all of its series, and the days are added up to weeks. So a relation that is
refreshed by days can keep the days of a large input, while weeks, which cross the ends of months, are made anew.
#}

{# The series of a registry into the given list, each a mapping ready to be rendered. A row with `per` is repeated for
   each row of that registry; of two series with one name the later one counts. Series over one of
   `absent_models` are left out. #}
{% macro collect_series(registry_rows, absent_models, series) -%}
{%- set by_name = {} -%}
{%- for row in registry_rows if row.model not in absent_models -%}
{%- for member in (registry(row.per) if row.per else [{'name': '', 'slug': ''}]) -%}
{%- set name = row.name | replace('{slug}', member.slug) -%}
{%- if not (name | replace('_', 'x')).isalnum() or not name.isascii() or name != name | lower or name[0] in '0123456789_' -%}
{{ raise_error('series "' ~ name ~ '": a name is made of lower case letters, digits and _, and begins with a letter') }}
{%- endif -%}
{%- if row.method not in ('sum', 'last', 'avg', 'weighted_avg') -%}
{{ raise_error('series "' ~ name ~ '": unknown method "' ~ row.method ~ '"; known are sum, last, avg and weighted_avg') }}
{%- endif -%}
{%- if row.method == 'weighted_avg' and not row.weight -%}
{{ raise_error('series "' ~ name ~ '": weighted_avg needs a weight') }}
{%- endif -%}
{%- if row.fill not in ('zero', 'null') -%}
{{ raise_error('series "' ~ name ~ '": unknown fill "' ~ row.fill ~ '"; known are zero and null') }}
{%- endif -%}
{%- do by_name.update({name: {
  'name': name,
  'input': row.model ~ '.' ~ row.date_column,
  'model': row.model,
  'date_column': row.date_column,
  'value': row.value | string,
  'weight': row.weight,
  'filter': (row.filter or '') | replace('{name}', literal(member.name)),
  'method': row.method,
  'fill': row.fill,
  'unit': row.unit,
  'is_dedup_safe': row.is_dedup_safe,
  'counts_rows': row.value | string == '1' and row.method == 'sum',
}}) -%}
{%- endfor -%}
{%- endfor -%}
{%- for item in by_name.values() -%}
{%- do series.append(item) -%}
{%- endfor -%}
{%- endmacro %}

{# Long table of what the days of the inputs hold for their series: every day with rows of an input x every series over
   it. `time_column` is the column by which the inputs are refreshed; it has to lie on the day that the series go by. #}
{% macro mmm_daily(series, time_column) %}
-- Grain: day x name.
{%- if series %}
WITH {{ mmm_day_ctes(series, time_column) }}

{{ mmm_day_rows(series) }}
{%- else %}
SELECT
  CAST(NULL AS DATE) AS day,
  CAST(NULL AS VARCHAR) AS name,
  CAST(NULL AS BIGINT) AS n_rows,
  CAST(NULL AS BIGINT) AS n_values,
  CAST(NULL AS DOUBLE) AS total,
  CAST(NULL AS DOUBLE) AS weight
WHERE FALSE
{%- endif %}
{% endmacro %}

{# CTEs input_<no>_days: each input is read once, by day, with a group of columns per series. #}
{% macro mmm_day_ctes(series, time_column=none) -%}
{%- for _, members in series | groupby('input') -%}
{%- set input = members[0] -%}
{%- set day = 'CAST(' ~ input.date_column ~ ' AS DATE)' -%}
{{ ',\n\n' if not loop.first }}input_{{ loop.index }}_days AS (
  SELECT
    {{ day }} AS day
    {%- for item in members %}
    {%- set filtered = ' FILTER (WHERE ' ~ item.filter ~ ')' if item.filter else '' %}
    {%- set summed = '(' ~ item.value ~ ') * (' ~ item.weight ~ ')' if item.method == 'weighted_avg' else item.value %},
    count(*){{ filtered }} AS n_rows_{{ loop.index }}
    {%- if not item.counts_rows %},
    count({{ summed }}){{ filtered }} AS n_values_{{ loop.index }},
    CAST(sum({{ summed }}){{ filtered }} AS DOUBLE) AS total_{{ loop.index }}
    {%- endif %}
    {%- if item.method == 'weighted_avg' %},
    CAST(
      sum(CASE WHEN ({{ item.value }}) IS NOT NULL THEN {{ item.weight }} END){{ filtered }} AS DOUBLE
    ) AS weight_{{ loop.index }}
    {%- endif %}
    {%- endfor %}
  FROM {{ ref(input.model) }}
  WHERE {{ in_batch(time_column) if is_incremental() else day ~ ' < ' ~ as_of }}
  GROUP BY {{ day }}
)
{%- endfor -%}
{%- endmacro %}

{# The CTEs of mmm_day_ctes as one long table. `weight` is what the totals of an average are divided by. #}
{% macro mmm_day_rows(series) -%}
{%- for _, members in series | groupby('input') -%}
{%- set input_no = loop.index -%}
{%- for item in members -%}
{{ '\nUNION ALL\n' if not (loop.first and input_no == 1) }}SELECT
  day,
  {{ literal(item.name) }} AS name,
  n_rows_{{ loop.index }} AS n_rows,
  {{ 'n_rows' if item.counts_rows else 'n_values' }}_{{ loop.index }} AS n_values,
  {{ 'CAST(n_rows_' ~ loop.index ~ ' AS DOUBLE)' if item.counts_rows else 'total_' ~ loop.index }} AS total,
  {% if item.method == 'weighted_avg' -%}
  weight_{{ loop.index }}
  {%- elif item.method == 'avg' -%}
  CAST(n_values_{{ loop.index }} AS DOUBLE)
  {%- else -%}
  CAST(NULL AS DOUBLE)
  {%- endif %} AS weight
FROM input_{{ input_no }}_days
{%- endfor -%}
{%- endfor -%}
{%- endmacro %}

{# Long table of weekly series: every week of the spine x every series. A week gets a value that was not observed only
   where the input has data around it. The days of `daily_series` stand in `daily`, a relation of mmm_daily. #}
{% macro mmm_weekly(series, weeks, daily_series=[], daily=none) %}
-- Grain: week x name; every week of the spine for every registered series.
{%- if series %}
{%- set counted_here = series | reject('in', daily_series) | list %}
WITH registered AS (
  SELECT
    name,
    method,
    fill,
    CAST(unit AS VARCHAR) AS unit,
    is_dedup_safe
  FROM (
    VALUES
    {%- for item in series %}
    (
      {{- literal(item.name) }}, {{ literal(item.method) }}, {{ literal(item.fill) }}, {{ literal(item.unit) }},
      {{- ' ' ~ literal(item.is_dedup_safe) -}}
    )
    {{- ',' if not loop.last }}
    {%- endfor %}
  ) AS series_rows (name, method, fill, unit, is_dedup_safe)
),
{% if counted_here %}
{{ mmm_day_ctes(counted_here) }},
{% endif %}
days AS (
  {%- if counted_here %}
  {{ mmm_day_rows(counted_here) | indent(2) }}
  {%- endif %}
  {%- if daily_series %}
  {{ 'UNION ALL\n  ' if counted_here }}SELECT
    day,
    name,
    n_rows,
    n_values,
    total,
    weight
  FROM {{ daily }}
  {%- endif %}
),

measured AS (
  SELECT
    {{ monday('day') }} AS week,
    name,
    sum(n_rows) AS n_rows,
    sum(n_values) AS n_values,
    sum(total) AS total,
    sum(weight) AS weight,
    arg_max(total, day) FILTER (WHERE n_values > 0) AS last_total
  FROM days
  GROUP BY {{ monday('day') }}, name
),

covered AS (
  SELECT
    name,
    min(day) AS first_day,
    max(day) AS last_day
  FROM days
  GROUP BY name
),

live AS (
  SELECT
    name,
    min(week) AS first_week
  FROM measured
  WHERE n_values > 0
  GROUP BY name
),

framed AS (
  SELECT
    weeks.week,
    registered.name,
    CASE registered.method
      WHEN 'sum' THEN measured.total
      WHEN 'last' THEN measured.last_total
      ELSE {{ ratio('measured.total', 'measured.weight') }}
    END AS value,
    coalesce(measured.n_rows, 0) AS n_rows,
    registered.unit,
    registered.is_dedup_safe,
    CASE
      WHEN measured.n_values > 0 THEN 'observed'
      WHEN covered.first_day IS NULL OR covered.first_day >= {{ add_days('weeks.week', 7) }} THEN 'not_live'
      WHEN covered.last_day < weeks.week OR measured.n_rows > 0 THEN 'missing'
      WHEN registered.fill = 'zero' THEN 'true_zero'
      WHEN live.first_week IS NULL OR weeks.week < live.first_week THEN 'not_live'
      ELSE 'missing'
    END AS status
  FROM {{ weeks }} AS weeks
  CROSS JOIN registered
  LEFT JOIN covered ON registered.name = covered.name
  LEFT JOIN live ON registered.name = live.name
  LEFT JOIN measured ON weeks.week = measured.week AND registered.name = measured.name
)

SELECT
  week,
  name,
  CASE status WHEN 'observed' THEN value WHEN 'true_zero' THEN 0.0 END AS value,
  unit,
  status,
  CAST(n_rows AS BIGINT) AS n_rows,
  is_dedup_safe
FROM framed
{%- else %}
SELECT
  CAST(NULL AS DATE) AS week,
  CAST(NULL AS VARCHAR) AS name,
  CAST(NULL AS DOUBLE) AS value,
  CAST(NULL AS VARCHAR) AS unit,
  CAST(NULL AS VARCHAR) AS status,
  CAST(NULL AS BIGINT) AS n_rows,
  CAST(NULL AS BOOLEAN) AS is_dedup_safe
WHERE FALSE
{%- endif %}
{% endmacro %}
