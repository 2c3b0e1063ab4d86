{#
The attribution mart of a sector: credited conversions per conversion kind and event kind (and role), added up from the
credit ledger over the last days before as_of. Conversions without an eligible touch are in total_conversions only.
#}
{% macro rolling_attribution(credits, attribution_window_days, with_role) %}
{%- set key = ['conversion_kind', 'identity_role'] if with_role else ['conversion_kind'] -%}
{%- set models = {
  'first_touch': 'first_touch', 'last_touch': 'last_touch', 'linear': 'linear', 'time_decay': 'time_decay_hl_7d',
} -%}
-- Grain: {{ key | join(' x ') }} x event_kind, over the conversions of the {{ attribution_window_days }} days before as_of.
WITH recent_credits AS (
  SELECT
    conversion_key,
    {%- for column in key %}
    {{ column }},
    {%- endfor %}
    event_kind,
    n_touches
    {%- for model in models %},
    {{ model }}
    {%- endfor %}
  FROM {{ credits }}
  WHERE conversion_date >= {{ add_days(as_of, -attribution_window_days) }}
    AND conversion_date < {{ as_of }}
),

conversion_counts AS (
  SELECT
    {%- for column in key %}
    {{ column }},
    {%- endfor %}
    count(DISTINCT conversion_key) AS total_conversions
  FROM recent_credits
  GROUP BY {{ key | join(', ') }}
),

kind_credits AS (
  SELECT
    {%- for column in key %}
    {{ column }},
    {%- endfor %}
    event_kind,
    count(*) AS conversions_with_touch
    {%- for model in models %},
    sum({{ model }}) AS {{ model }}
    {%- endfor %}
  FROM recent_credits
  WHERE n_touches > 0
  GROUP BY {{ key | join(', ') }}, event_kind
)

SELECT
  {%- for column in key %}
  kind_credits.{{ column }},
  {%- endfor %}
  kind_credits.event_kind,
  kind_credits.conversions_with_touch
  {%- for model, column in models.items() %},
  kind_credits.{{ model }}{{ ' AS ' ~ column if column != model }}
  {%- endfor %},
  conversion_counts.total_conversions,
  CAST({{ as_of }} AS TIMESTAMP) AS computed_at
FROM kind_credits
INNER JOIN conversion_counts
  ON {% for column in key -%}
  {{ 'AND ' if not loop.first }}kind_credits.{{ column }} = conversion_counts.{{ column }}
  {%- if not loop.last %}
  {% endif -%}
  {%- endfor %}
{% endmacro %}
