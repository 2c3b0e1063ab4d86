{{ config(
  materialized='table',
  internal_only=true,
  tags=['mta', 'gpay', 'privacy:tier_internal'],
  meta={'expose_to_mcp': false}
) }}
-- Grain: address x identity_role x gp_safe. Owners are those that the Safe was set up with.
WITH wallets AS (
  SELECT DISTINCT {{ normalized('address') }} AS gp_safe
  FROM {{ source('gpay_wallets') }}
  WHERE {{ usable('gpay_wallets') | indent(2) }}
),

identities AS (
  SELECT
    gp_safe AS address,
    'safe_self' AS identity_role,
    gp_safe
  FROM wallets
  {%- if has_source('safes_owner_events') %}
  UNION ALL
  SELECT DISTINCT
    {{ normalized('owner') }} AS address,
    'initial_owner' AS identity_role,
    {{ normalized('safe_address') }} AS gp_safe
  FROM {{ source('safes_owner_events') }}
  WHERE {{ usable('safes_owner_events') | indent(2) }}
    AND {{ normalized('event_kind') }} = 'safe_setup'
  {%- endif %}
  {%- if has_source('gpay_spender_delegates') %}
  UNION ALL
  SELECT DISTINCT
    {{ normalized('delegate_address') }} AS address,
    'delegate' AS identity_role,
    {{ normalized('gp_safe') }} AS gp_safe
  FROM {{ source('gpay_spender_delegates') }}
  WHERE {{ usable('gpay_spender_delegates') | indent(2) }}
  {%- endif %}
)

SELECT
  identities.address,
  pseudonymize(identities.address) AS user_pseudonym,
  identities.identity_role,
  identities.gp_safe,
  pseudonymize(identities.gp_safe) AS gp_safe_pseudonym
FROM identities
INNER JOIN wallets ON identities.gp_safe = wallets.gp_safe
