{# Marketing mix: the one-row-a-week frame of all series, adstock baseline and collinearity. #}

{# One row a week. Each long table is pivoted alone and only then joined, one row to one row: joining the long tables on
   the week would multiply them. `families` are mappings of prefix, relation and series. #}
{% macro mmm_spine(weeks, families) %}
-- Grain: week.
{%- set filled = families | selectattr('series') | list %}
{%- for family in filled %}
{{- '\nWITH ' if loop.first else ',\n\n' }}{{ family.prefix }}_columns AS (
  SELECT
    week
    {%- for item in family.series %},
    max(CASE WHEN name = {{ literal(item.name) }} THEN value END) AS {{ family.prefix }}_{{ item.name }}
    {%- endfor %}
  FROM {{ family.relation }}
  GROUP BY week
)
{%- endfor %}

SELECT
  weeks.week
  {%- for family in filled %}
  {%- for item in family.series %},
  {{ family.prefix }}_columns.{{ family.prefix }}_{{ item.name }}
  {%- endfor %}
  {%- endfor %}
FROM {{ weeks }} AS weeks
{%- for family in filled %}
LEFT JOIN {{ family.prefix }}_columns ON weeks.week = {{ family.prefix }}_columns.week
{%- endfor %}
{% endmacro %}

{# Level of each KPI in the weeks with the least carried-over pressure of each medium: descriptive, not causal.
   Adstock needs the gap-free long table. Before a medium went live there was no pressure; where its value is missing the
   pressure of that week and of the weeks it reaches is unknown, and those weeks are left out. A constant medium has no
   variance although its adstock rises over the first weeks, for want of weeks before the first. #}
{% macro mmm_baseline(kpis, media, retention=0.5, previous_weeks=8, low_quantile=0.1, few_weeks=5) %}
-- Grain: kpi_name x media_name.
WITH media_weeks AS (
  SELECT
    week,
    name,
    value,
    CASE WHEN status = 'not_live' THEN 0.0 ELSE value END AS pressure,
    row_number() OVER (PARTITION BY name ORDER BY week) AS week_no
  FROM {{ media }}
),

media_lags AS (
  SELECT
    week,
    name,
    value,
    week_no
    {%- for lag in range(1, previous_weeks + 1) %},
    lag(pressure, {{ lag }}) OVER by_week AS pressure_{{ lag }}
    {%- endfor %}
  FROM media_weeks
  WINDOW by_week AS (PARTITION BY name ORDER BY week)
),

adstocked_media AS (
  SELECT
    week,
    name AS media_name,
    value,
    value
    {%- for lag in range(1, previous_weeks + 1) %}
    + CASE WHEN week_no > {{ lag }} THEN {{ retention ** lag }} * pressure_{{ lag }} ELSE 0.0 END
    {%- endfor %} AS adstock
  FROM media_lags
),

thresholds AS (
  SELECT
    media_name,
    quantile_cont(adstock, {{ low_quantile }}) AS threshold,
    min(adstock) < max(adstock) AND min(value) < max(value) AS is_varying
  FROM adstocked_media
  GROUP BY media_name
),

low_pressure AS (
  SELECT
    kpis.name AS kpi_name,
    adstocked_media.media_name,
    CASE WHEN adstocked_media.adstock IS NOT NULL THEN kpis.value END AS kpi_value,
    CASE WHEN adstocked_media.adstock <= thresholds.threshold THEN kpis.value END AS low_kpi_value,
    thresholds.threshold,
    thresholds.is_varying
  FROM {{ kpis }} AS kpis
  INNER JOIN adstocked_media ON kpis.week = adstocked_media.week
  INNER JOIN thresholds ON adstocked_media.media_name = thresholds.media_name
),

baselines AS (
  SELECT
    kpi_name,
    media_name,
    quantile_cont(low_kpi_value, 0.5) AS median_value,
    quantile_cont(low_kpi_value, 0.05) AS q05,
    quantile_cont(low_kpi_value, 0.95) AS q95,
    count(low_kpi_value) AS n_weeks,
    count(kpi_value) AS n_weeks_total,
    max(threshold) AS threshold,
    CASE
      WHEN count(kpi_value) > 0 AND NOT bool_or(is_varying) THEN 'no_variance'
      WHEN count(low_kpi_value) <= {{ few_weeks }} THEN 'insufficient_weeks'
      ELSE 'ok'
    END AS status
  FROM low_pressure
  GROUP BY kpi_name, media_name
)

SELECT
  kpi_name,
  media_name,
  CASE WHEN status = 'ok' THEN median_value END AS median_value,
  CASE WHEN status = 'ok' THEN q05 END AS q05,
  CASE WHEN status = 'ok' THEN q95 END AS q95,
  n_weeks,
  n_weeks_total,
  threshold,
  status
FROM baselines
{% endmacro %}

{# Pearson correlation of each pair of media over the weeks in which both are known. #}
{% macro mmm_collinearity(media, trailing_days=730, high=0.9, few_weeks=2) %}
-- Grain: media_a x media_b, each pair once, in alphabetical order.
WITH recent_media AS (
  SELECT
    week,
    name,
    value
  FROM {{ media }}
  WHERE week >= {{ add_days(as_of, -trailing_days) }}
),

paired_weeks AS (
  SELECT
    first_media.name AS media_a,
    second_media.name AS media_b,
    CASE WHEN second_media.value IS NOT NULL THEN first_media.value END AS value_a,
    CASE WHEN first_media.value IS NOT NULL THEN second_media.value END AS value_b
  FROM recent_media AS first_media
  INNER JOIN recent_media AS second_media ON first_media.week = second_media.week
  WHERE first_media.name < second_media.name
),

correlations AS (
  SELECT
    media_a,
    media_b,
    count(value_a) AS n_weeks,
    CASE
      WHEN count(value_a) <= {{ few_weeks }} THEN 'insufficient_weeks'
      WHEN min(value_a) < max(value_a) AND min(value_b) < max(value_b) THEN 'ok'
      ELSE 'no_variance'
    END AS status,
    CASE
      WHEN count(value_a) > {{ few_weeks }} AND min(value_a) < max(value_a) AND min(value_b) < max(value_b)
        THEN corr(value_a, value_b)
    END AS raw_r
  FROM paired_weeks
  GROUP BY media_a, media_b
),

bounded AS (
  SELECT
    media_a,
    media_b,
    CASE WHEN raw_r > 1 THEN 1.0 WHEN raw_r < -1 THEN -1.0 ELSE raw_r END AS pearson_r,
    n_weeks,
    status
  FROM correlations
)

SELECT
  media_a,
  media_b,
  pearson_r,
  n_weeks,
  abs(pearson_r) > {{ high }} AS is_high_collinearity,
  status
FROM bounded
{% endmacro %}

{# Week x series whose value in the frame of one row a week is not the one of its long table.
   A family has prefix (of its columns in the frame), relation (its long table) and series. #}
{% macro spine_differences(spine, families) -%}
WITH both_forms AS (
  {%- for family in families %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    week,
    '{{ family.prefix }}_' || name AS column_name,
    1 AS n_long,
    0 AS n_wide,
    value AS long_value,
    CAST(NULL AS DOUBLE) AS wide_value
  FROM {{ family.relation }}
  {%- endfor %}
  {%- for family in families %}
  {%- for item in family.series %}
  UNION ALL
  SELECT
    week,
    '{{ family.prefix }}_{{ item.name }}' AS column_name,
    0 AS n_long,
    1 AS n_wide,
    CAST(NULL AS DOUBLE) AS long_value,
    {{ family.prefix }}_{{ item.name }} AS wide_value
  FROM {{ spine }}
  {%- endfor %}
  {%- endfor %}
),

compared AS (
  SELECT
    week,
    column_name,
    sum(n_long) AS n_long,
    sum(n_wide) AS n_wide,
    max(long_value) AS long_value,
    max(wide_value) AS wide_value
  FROM both_forms
  GROUP BY week, column_name
)

SELECT
  week,
  column_name,
  n_long,
  n_wide,
  long_value,
  wide_value
FROM compared
WHERE n_long <> 1 OR n_wide <> 1 OR long_value IS DISTINCT FROM wide_value
{%- endmacro %}
