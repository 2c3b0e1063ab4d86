-- Offending rows: lookback x conversion_kind whose credited conversions or amounts are not those that happened in the window.
{%- set models = ['first_touch', 'last_touch', 'linear', 'time_decay', 'position_based', 'last_non_direct'] %}
WITH happened AS (
  SELECT
    conversion_kind,
    count(*) AS conversions,
    coalesce(sum(CAST(conversion_amount AS DOUBLE)), 0.0) AS amount
  FROM {{ ref('int_conversions') }}
  WHERE conversion_date >= {{ add_days(as_of, -var('attribution_window_days')) }}
  GROUP BY conversion_kind
),

credited AS (
  {%- for days in var('lookbacks') %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    {{ days }} AS lookback_days,
    conversion_kind,
    max(total_conversions) AS conversions
    {%- for model in models %},
    sum({{ model }}_amount) AS {{ model }}_amount
    {%- endfor %}
  FROM {{ ref('fct_attribution_' ~ days ~ 'd') }}
  GROUP BY conversion_kind
  {%- endfor %}
),

expected AS (
  {%- for days in var('lookbacks') %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    {{ days }} AS lookback_days,
    conversion_kind,
    conversions,
    amount
  FROM happened
  {%- endfor %}
)

SELECT
  expected.lookback_days,
  expected.conversion_kind,
  expected.conversions,
  credited.conversions AS credited_conversions,
  expected.amount
  {%- for model in models %},
  credited.{{ model }}_amount
  {%- endfor %}
FROM expected
LEFT JOIN credited
  ON expected.lookback_days = credited.lookback_days AND expected.conversion_kind = credited.conversion_kind
WHERE NOT coalesce(expected.conversions = credited.conversions, FALSE)
  {%- for model in models %}
  OR NOT coalesce(abs(expected.amount - credited.{{ model }}_amount) < 0.005, FALSE)
  {%- endfor %}
