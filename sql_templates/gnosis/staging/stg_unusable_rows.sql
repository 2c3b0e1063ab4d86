{{ config(materialized='table', tags=['staging', 'rejects']) }}
{%- set needed, reasons = {}, [] %}
{%- do collect_needed_columns(needed) %}
{%- for name, columns in needed.items() if has_source(name) %}
{%- do reasons.append({'source': name, 'reason': 'unreadable value', 'condition': '_unreadable IS NOT NULL'}) %}
{%- set before = ['_unreadable IS NULL'] %}
{%- for column, data_type in columns.items() %}
{%- set value = cleaned_column(column, data_type) %}
{%- do reasons.append({
  'source': name,
  'reason': 'missing ' ~ column,
  'condition': (before + [value ~ ' IS NULL']) | join('\n  AND '),
}) %}
{%- do before.append(value ~ ' IS NOT NULL') %}
{%- endfor %}
{%- endfor %}
-- Grain: source x reason why rows of it are not used. A row is counted under the first reason only.
{%- for row in reasons %}
{{ 'UNION ALL\n' if not loop.first }}SELECT
  {{ literal(row.source) }} AS source_name,
  {{ literal(row.reason) }} AS reason,
  count(*) AS n_rows
FROM {{ source(row.source) }}
WHERE {{ row.condition }}
HAVING count(*) > 0
{%- else %}
SELECT
  CAST(NULL AS VARCHAR) AS source_name,
  CAST(NULL AS VARCHAR) AS reason,
  CAST(NULL AS BIGINT) AS n_rows
WHERE FALSE
{%- endfor %}
