{#
Funnels: how far each user came after entering, inside a window measured in elapsed seconds from the entry.

Every step-1 event is an entry. Step k happens at or after step k - 1, and no later than the window allows after the
entry; one event may serve several steps. The earliest event that fits is always the best one to take for a step, so
all that is needed is, at each event of a user, how early the steps j..k can be completed from there on:

    reach_j_k(t) = min over events of step j at or after t of reach_(j+1)_k,    reach_k_k = their own time

These are running minima towards the past, one sort a step: linear in the events, however many a user has.
Users who never do step 2 need none of it, and they are nearly everyone.

A batch of entries reads no further than its last entry can reach: the longest window, in whole days.
#}

{# Days after its entry that a funnel may depend on, of the events of one stream: the `lookahead` of its relation. Those of a
   first step count on their own day only. #}
{% macro funnel_lookahead(funnel_rows, stream) -%}
{%- set later_steps = funnel_rows | selectattr('stream', 'equalto', stream) | rejectattr('step', 'equalto', 1) -%}
{{ (([0] + later_steps | map(attribute='window_seconds') | list) | max / 86400) | round(0, 'ceil') | int }}
{%- endmacro %}

{# The `funnels` registry as {name: steps}, checked, into the given mapping. #}
{% macro collect_funnels(funnel_rows, funnels) -%}
{%- for row in funnel_rows | sort(attribute='step') -%}
{%- set steps = funnels.setdefault(row.funnel, []) -%}
{%- do steps.append(row) -%}
{%- if row.step != steps | length -%}
{{ raise_error('funnel "' ~ row.funnel ~ '": its steps must be numbered 1, 2, 3 ... without gaps') }}
{%- endif -%}
{%- if row.window_seconds != steps[0].window_seconds -%}
{{ raise_error('funnel "' ~ row.funnel ~ '": its steps must have one window_seconds') }}
{%- endif -%}
{%- if row.stream not in ('touchpoint', 'conversion') -%}
{{ raise_error('funnel "' ~ row.funnel ~ '": unknown stream "' ~ row.stream ~ '"; known are touchpoint and conversion') }}
{%- endif -%}
{%- if row.stream == 'conversion' and row.interaction -%}
{{ raise_error('funnel "' ~ row.funnel ~ '": a conversion has no interaction, step ' ~ row.step ~ ' asks for one') }}
{%- endif -%}
{%- endfor -%}
{%- endmacro %}

{# Whether an event of its stream matches a step. #}
{% macro step_condition(step) -%}
{%- set kind_column = 'event_kind' if step.stream == 'touchpoint' else 'conversion_kind' -%}
{%- set conditions = [] -%}
{%- if step.event_kind != '*' -%}
{%- do conditions.append(kind_column ~ ' = ' ~ literal(step.event_kind)) -%}
{%- endif -%}
{%- if step.interaction -%}
{%- do conditions.append('interaction = ' ~ literal(step.interaction)) -%}
{%- endif -%}
{{ conditions | join(' AND ') if conditions else 'TRUE' }}
{%- endmacro %}

{# Subquery with the events that match some of the wanted steps; step_<k>_ts is the time where step k matches. #}
{% macro funnel_events(steps, wanted, touchpoints, conversions, with_role) -%}
(
  {%- set streams = wanted | map(attribute='stream') | unique | list %}
  {%- for stream in streams %}
  {%- set time_column = 'event_ts' if stream == 'touchpoint' else 'conversion_ts' %}
  {%- set conditions = [] %}
  {%- for step in wanted if step.stream == stream %}
  {%- do conditions.append(step_condition(step)) %}
  {%- endfor %}
  {{ 'UNION ALL\n  ' if not loop.first }}SELECT
    user_pseudonym,
    {%- if with_role %}
    identity_role,
    {%- endif %}
    {{ time_column }}{{ ' AS event_ts' if time_column != 'event_ts' }}
    {%- for step in steps %},
    {% if step.stream == stream and step_condition(step) == 'TRUE' -%}
    {{ time_column }}
    {%- elif step.stream == stream -%}
    CASE WHEN {{ step_condition(step) }} THEN {{ time_column }} END
    {%- else -%}
    CAST(NULL AS TIMESTAMP)
    {%- endif %} AS step_{{ step.step }}_ts
    {%- endfor %}
  FROM {{ touchpoints if stream == 'touchpoint' else conversions }}
  WHERE {{ time_column }} < {{ batch.as_of }}
    {%- if is_incremental() %}
    {%- set days_after = funnel_lookahead(wanted, stream) | int %}
    AND {{ time_column }} >= {{ batch.start }}
    AND {{ time_column }} < {{ batch.end }}{{ ' + INTERVAL ' ~ days_after ~ ' DAY' if days_after }}
    {%- endif %}
    {%- if 'TRUE' not in conditions %}
    AND (
      {%- for condition in conditions | unique %}
      {{ 'OR ' if not loop.first }}({{ condition }})
      {%- endfor %}
    )
    {%- endif %}
  {%- endfor %}
)
{%- endmacro %}

{# CTEs of one funnel, ending in `<prefix>_best`: the best entry of each user and day. #}
{% macro funnel_ctes(prefix, steps, touchpoints, conversions, with_role) -%}
{%- set n_steps = steps | length -%}
{%- set person = 'user_pseudonym, identity_role' if with_role else 'user_pseudonym' -%}
{%- set same_role = ' AND events.identity_role IS NOT DISTINCT FROM followers.identity_role' if with_role else '' -%}
{%- set window_microseconds = steps[0].window_seconds * 1000000 -%}
{%- if n_steps > 1 -%}
{{ prefix }}_followers AS (
  SELECT DISTINCT {{ person }}
  FROM {{ funnel_events([], steps[1:2], touchpoints, conversions, with_role) | indent(2) }} AS second_steps
),

{{ prefix }}_events AS (
  SELECT
    events.user_pseudonym,
    {%- if with_role %}
    events.identity_role,
    {%- endif %}
    events.event_ts
    {%- for step in steps %},
    events.step_{{ step.step }}_ts
    {%- endfor %}
  FROM {{ funnel_events(steps, steps, touchpoints, conversions, with_role) | indent(2) }} AS events
  INNER JOIN {{ prefix }}_followers AS followers
    ON events.user_pseudonym = followers.user_pseudonym{{ same_role }}
),
{% for first in range(n_steps, 1, -1) %}
{{ prefix }}_from_{{ first }} AS (
  SELECT
    {{ person | replace(', ', ',\n    ') }},
    event_ts
    {%- for step in range(1, first) %},
    step_{{ step }}_ts
    {%- endfor %},
    min(step_{{ first }}_ts) OVER from_here_on AS reach_{{ first }}_{{ first }}
    {%- for last in range(first + 1, n_steps + 1) %},
    min(CASE WHEN step_{{ first }}_ts IS NOT NULL THEN reach_{{ first + 1 }}_{{ last }} END)
      OVER from_here_on AS reach_{{ first }}_{{ last }}
    {%- endfor %}
  FROM {{ prefix }}_{{ 'events' if loop.first else 'from_' ~ (first + 1) }}
  WINDOW from_here_on AS (
    PARTITION BY {{ person }}
    ORDER BY event_ts
    RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
  )
),
{% endfor %}
{{ prefix }}_entries AS (
  SELECT
    {{ person | replace(', ', ',\n    ') }},
    step_1_ts AS reached_1_ts
    {%- for last in range(2, n_steps + 1) %},
    CASE
      WHEN date_diff('microsecond', step_1_ts, reach_2_{{ last }}) <= {{ window_microseconds }} THEN reach_2_{{ last }}
    END AS reached_{{ last }}_ts
    {%- endfor %}
  FROM {{ prefix }}_from_2
  WHERE step_1_ts IS NOT NULL
),

{% endif -%}
-- Of two entries that come equally far, the earlier one gets there no later: both times are minima of their own.
{{ prefix }}_best AS (
  {%- if n_steps > 1 %}
  SELECT
    CAST(reached_1_ts AS DATE) AS entry_date,
    {{ person | replace(', ', ',\n    ') }}
    {%- for level in range(1, n_steps + 1) %}
    {%- set next_is_missing = '' if loop.last else ' AND reached_' ~ (level + 1) ~ '_ts IS NULL' %}
    {%- set is_level = 'reached_' ~ level ~ '_ts IS NOT NULL' ~ next_is_missing %},
    min(CASE WHEN {{ is_level }} THEN reached_1_ts END) AS first_step_ts_{{ level }}
    {%- if level > 1 %},
    min(CASE WHEN {{ is_level }} THEN reached_{{ level }}_ts END) AS last_step_ts_{{ level }}
    {%- endif %}
    {%- endfor %}
  FROM {{ prefix }}_entries
  GROUP BY CAST(reached_1_ts AS DATE), {{ person }}
  UNION ALL
  {%- endif %}
  SELECT
    CAST(step_1_ts AS DATE) AS entry_date,
    {{ person | replace(', ', ',\n    ') }},
    min(step_1_ts) AS first_step_ts_1
    {%- for level in range(2, n_steps + 1) %},
    CAST(NULL AS TIMESTAMP) AS first_step_ts_{{ level }},
    CAST(NULL AS TIMESTAMP) AS last_step_ts_{{ level }}
    {%- endfor %}
  FROM {{ funnel_events(steps[:1], steps[:1], touchpoints, conversions, with_role) | indent(2) }} AS events
  {%- if n_steps > 1 %}
  WHERE NOT EXISTS (
    SELECT 1
    FROM {{ prefix }}_followers AS followers
    WHERE events.user_pseudonym = followers.user_pseudonym{{ same_role }}
  )
  {%- endif %}
  GROUP BY CAST(step_1_ts AS DATE), {{ person }}
)
{%- endmacro %}

{% macro funnel_daily(touchpoints, conversions, funnel_rows, with_role) %}
{%- set funnels = {} -%}
{%- do collect_funnels(funnel_rows, funnels) -%}
-- Grain: entry_date x funnel x user; the entry of that day that came furthest, the earliest one of equals.
{%- for funnel, steps in funnels.items() %}
{{- '\nWITH ' if loop.first else ',\n\n' }}
{{- funnel_ctes('funnel_' ~ loop.index, steps, touchpoints, conversions, with_role) }}
{%- endfor %}
{% for funnel, steps in funnels.items() %}
{%- set levels = range(steps | length, 0, -1) | list %}
{{ 'UNION ALL\n' if not loop.first }}SELECT
  entry_date,
  {{ literal(funnel) }} AS funnel,
  user_pseudonym,
  {%- if with_role %}
  identity_role,
  {%- endif %}
  CAST(
    CASE
      {%- for level in levels %}
      WHEN first_step_ts_{{ level }} IS NOT NULL THEN {{ level }}
      {%- endfor %}
    END AS BIGINT
  ) AS level,
  coalesce({% for level in levels %}first_step_ts_{{ level }}{{ ', ' if not loop.last }}{% endfor %}) AS first_step_ts,
  coalesce({% for level in levels[:-1] %}last_step_ts_{{ level }}, {% endfor %}first_step_ts_1) AS last_step_ts,
  CAST({{ steps | length }} AS BIGINT) AS n_steps,
  CAST({{ steps[0].window_seconds }} AS BIGINT) AS window_seconds
FROM funnel_{{ loop.index }}_best
{%- else %}
SELECT
  CAST(NULL AS DATE) AS entry_date,
  CAST(NULL AS VARCHAR) AS funnel,
  CAST(NULL AS VARCHAR) AS user_pseudonym,
  {%- if with_role %}
  CAST(NULL AS VARCHAR) AS identity_role,
  {%- endif %}
  CAST(NULL AS BIGINT) AS level,
  CAST(NULL AS TIMESTAMP) AS first_step_ts,
  CAST(NULL AS TIMESTAMP) AS last_step_ts,
  CAST(NULL AS BIGINT) AS n_steps,
  CAST(NULL AS BIGINT) AS window_seconds
WHERE FALSE
{%- endfor %}
{% endmacro %}
