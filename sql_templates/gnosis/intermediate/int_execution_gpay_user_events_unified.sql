{{ config(materialized='table', time_column='event_ts', tags=['mta', 'gpay', 'touchpoints']) }}
{%- set kinds = registry('mta_gp_event_kinds') %}
{%- set others = kinds | rejectattr('actions') | list %}
{%- if others | length != 1 %}
{{ raise_error('mta_gp_event_kinds: exactly one event kind must have no actions, it counts all others') }}
{%- endif %}
-- Grain: transfer of a card wallet x identity of its Safe (the Safe itself, each owner, each delegate), on complete
-- days.
SELECT
  activity.event_ts,
  activity.event_date,
  identities.user_pseudonym,
  identities.identity_role,
  'chain' AS event_source,
  CASE
    {%- for kind in kinds if kind.actions %}
    WHEN activity.action IN ({{ cell_literals(kind.actions) }}) THEN {{ literal(kind.event_kind) }}
    {%- endfor %}
    ELSE {{ literal(others[0].event_kind) }}
  END AS event_kind,
  activity.action AS event_subkind,
  activity.amount_usd,
  activity.token_symbol,
  activity.transfer_key
  || '-' || identities.user_pseudonym
  || '-' || identities.identity_role AS event_dedup_key,
  'gpay_activity' AS provenance_model
FROM {{ ref('stg_gpay_activity') }} AS activity
INNER JOIN {{ ref('int_execution_gpay_user_identity_bridge') }} AS identities
  ON activity.safe_pseudonym = identities.gp_safe_pseudonym
WHERE activity.event_ts < {{ as_of }}
