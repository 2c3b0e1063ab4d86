{{ config(materialized='table', tags=['mta', 'gnosis_app', 'touchpoints']) }}
-- Grain: event on the chain of a known user, on complete days.
{%- set users = ref('int_execution_gnosis_app_user_identity_bridge') %}
{%- set no_text, no_amount = 'CAST(NULL AS VARCHAR)', 'CAST(NULL AS DECIMAL(18, 6))' %}
{%- set transfers = [
  {'source': 'gpay_topups', 'kind': 'topup', 'user': 'ga_user', 'amount': 'amount_usd',
   'token': text_or_null('token_bought_symbol'), 'subkind': text_or_null('token_bought_symbol')},
  {'source': 'token_offer_claims', 'kind': 'token_offer_claim', 'user': 'ga_user', 'amount': 'amount_received_usd',
   'token': text_or_null('offer_token_symbol'), 'subkind': text_or_null('offer_token_symbol')},
  {'source': 'marketplace_payments', 'kind': 'marketplace_buy', 'user': 'payer', 'amount': no_amount,
   'token': no_text, 'subkind': text_or_null('offer_name')},
] %}
-- event_ref is what the source knows the event by. Where it holds no identifier of its own, rows alike are events of
-- their own and get a running number.
WITH logged AS (
  SELECT
    address,
    first_seen_at AS event_ts,
    'chain.onboard' AS event_kind,
    {{ no_text }} AS event_subkind,
    {{ no_amount }} AS amount_usd,
    {{ no_text }} AS token_symbol,
    'onboard|' || address AS event_ref,
    TRUE AS has_own_id,
    'users_current' AS provenance_model
  FROM {{ users }}
  {%- if has_source('user_events') %}
  UNION ALL
  SELECT
    {{ normalized('address') }} AS address,
    block_timestamp AS event_ts,
    'chain.' || {{ normalized('heuristic_kind') }} AS event_kind,
    {{ no_text }} AS event_subkind,
    {{ no_amount }} AS amount_usd,
    {{ no_text }} AS token_symbol,
    {{ normalized('heuristic_kind') }} || '|' || {{ normalized('transaction_hash') }}
    || '|' || {{ normalized('address') }} AS event_ref,
    FALSE AS has_own_id,
    'user_events' AS provenance_model
  FROM {{ source('user_events') }}
  WHERE {{ usable('user_events') | indent(2) }}
  {%- endif %}
  {%- if has_source('swaps') %}
  {%- for kind, moment, condition in [
    ('swap_signed', 'block_timestamp', 'TRUE'),
    ('swap_filled', 'first_fill_at', 'was_filled AND first_fill_at IS NOT NULL'),
  ] %}
  UNION ALL
  SELECT
    {{ normalized('taker') }} AS address,
    {{ moment }} AS event_ts,
    'chain.{{ kind }}' AS event_kind,
    {{ no_text }} AS event_subkind,
    amount_usd,
    {{ no_text }} AS token_symbol,
    '{{ kind }}|' || {{ normalized('order_uid') }} AS event_ref,
    TRUE AS has_own_id,
    'swaps' AS provenance_model
  FROM {{ source('swaps') }}
  WHERE {{ usable('swaps') | indent(2) }}
    {%- if condition != 'TRUE' %}
    AND {{ condition }}
    {%- endif %}
  {%- endfor %}
  {%- endif %}
  {%- for transfer in transfers if has_source(transfer.source) %}
  UNION ALL
  SELECT
    {{ normalized(transfer.user) }} AS address,
    block_timestamp AS event_ts,
    'chain.{{ transfer.kind }}' AS event_kind,
    {{ transfer.subkind }} AS event_subkind,
    {{ transfer.amount }} AS amount_usd,
    {{ transfer.token }} AS token_symbol,
    '{{ transfer.kind }}|' || {{ normalized('transaction_hash') }} || '|' || CAST(log_index AS VARCHAR) AS event_ref,
    TRUE AS has_own_id,
    '{{ transfer.source }}' AS provenance_model
  FROM {{ source(transfer.source) }}
  WHERE {{ usable(transfer.source) | indent(2) }}
  {%- endfor %}
),

numbered AS (
  SELECT
    users.user_pseudonym,
    logged.event_ts,
    logged.event_kind,
    logged.event_subkind,
    logged.amount_usd,
    logged.token_symbol,
    logged.event_ref,
    logged.has_own_id,
    logged.provenance_model,
    row_number() OVER (
      PARTITION BY logged.event_ref
      ORDER BY
        logged.event_ts,
        users.user_pseudonym,
        logged.amount_usd NULLS LAST,
        logged.event_subkind NULLS LAST
    ) AS copy_no
  FROM logged
  INNER JOIN {{ users }} AS users ON logged.address = users.address
  WHERE logged.event_ts < {{ as_of }}
)

SELECT
  event_ts,
  CAST(event_ts AS DATE) AS event_date,
  user_pseudonym,
  'chain' AS event_source,
  event_kind,
  event_subkind,
  amount_usd,
  token_symbol,
  pseudonymize(
    event_ref || CASE WHEN copy_no > 1 THEN '|' || CAST(copy_no AS VARCHAR) ELSE '' END
  ) AS event_dedup_key,
  provenance_model
FROM numbered
WHERE copy_no = 1 OR NOT has_own_id
