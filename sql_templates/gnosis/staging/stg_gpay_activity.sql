{{ config(materialized='table', tags=['staging', 'mta', 'gpay']) }}
-- Grain: token transfer of a card wallet, over its full history, also on or after as_of. Transfers have no identifier
-- of their own: those alike in time, transaction, token and parties are told apart by a running number.
WITH wallets AS (
  SELECT
    gp_safe,
    gp_safe_pseudonym
  FROM {{ ref('int_execution_gpay_user_identity_bridge') }}
  WHERE identity_role = 'safe_self'
),

activity AS (
  SELECT
    {{ normalized('wallet_address') }} AS gp_safe,
    block_timestamp AS event_ts,
    {{ text_or_null('action') }} AS action,
    {{ text_or_null('symbol') }} AS token_symbol,
    amount,
    amount_usd,
    CAST({{ epoch_microseconds('block_timestamp') }} AS VARCHAR)
    || '|' || {{ normalized('wallet_address') }}
    || '|' || {{ normalized('transaction_hash') }}
    || '|' || coalesce({{ normalized('token_address') }}, '')
    || '|' || coalesce({{ normalized('counterparty') }}, '')
    || '|' || coalesce({{ normalized('direction') }}, '') AS transfer_ref
  FROM {{ source('gpay_activity') }}
  WHERE {{ usable('gpay_activity') | indent(2) }}
),

numbered AS (
  SELECT
    wallets.gp_safe_pseudonym AS safe_pseudonym,
    activity.event_ts,
    activity.action,
    activity.token_symbol,
    activity.amount_usd,
    activity.transfer_ref,
    row_number() OVER (
      PARTITION BY activity.transfer_ref
      ORDER BY
        activity.action,
        activity.token_symbol NULLS LAST,
        activity.amount NULLS LAST,
        activity.amount_usd NULLS LAST
    ) AS copy_no
  FROM activity
  INNER JOIN wallets ON activity.gp_safe = wallets.gp_safe
),

keyed AS (
  SELECT
    safe_pseudonym,
    event_ts,
    action,
    token_symbol,
    amount_usd,
    pseudonymize(transfer_ref || '|' || CAST(copy_no AS VARCHAR)) AS transfer_key
  FROM numbered
)

-- Of transfers at one moment the key decides only between those alike in all that is shown here.
SELECT
  safe_pseudonym,
  row_number() OVER (
    PARTITION BY safe_pseudonym
    ORDER BY event_ts, action, token_symbol NULLS LAST, amount_usd NULLS LAST, transfer_key
  ) AS transfer_no,
  event_ts,
  CAST(event_ts AS DATE) AS event_date,
  action,
  token_symbol,
  amount_usd,
  transfer_key
FROM keyed
