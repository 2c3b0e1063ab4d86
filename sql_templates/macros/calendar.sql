{# Calendar: weeks, and gap-free runs of days and weeks. Weeks are ISO weeks, named by their Monday. #}

{# Monday of the week a day lies in. #}
{% macro monday(day) -%}
CAST(date_trunc('week', {{ day }}) AS DATE)
{%- endmacro %}

{# A day moved by a number of days. #}
{% macro add_days(day, days) -%}
CAST({{ day }} + INTERVAL ({{ days }}) DAY AS DATE)
{%- endmacro %}

{# First Monday on or after a day. #}
{% macro first_monday(day) -%}
{{ monday(add_days(day, 6)) }}
{%- endmacro %}

{# ISO week number of a Monday: a week belongs to the year of its Thursday. #}
{% macro iso_week_number(week) -%}
{%- set thursday = add_days(week, 3) -%}
CAST(floor(date_diff('day', CAST(date_trunc('year', {{ thursday }}) AS DATE), {{ thursday }}) / 7.0) AS BIGINT) + 1
{%- endmacro %}

{# CTEs ending in `numbers(n)`: 0, 1, ... 10^places - 1. #}
{% macro number_ctes(places) -%}
digits AS (
  {%- for digit in range(10) %}
  {{ 'UNION ALL ' if not loop.first }}SELECT {{ digit }} AS digit
  {%- endfor %}
),

numbers AS (
  SELECT
    {%- for place in range(places) %}
    {{ '+ ' if not loop.first }}{{ 10 ** place }} * digits_{{ place }}.digit
    {%- endfor %} AS n
  FROM digits AS digits_0
  {%- for place in range(1, places) %}
  CROSS JOIN digits AS digits_{{ place }}
  {%- endfor %}
)
{%- endmacro %}
