{{ config(materialized='table', tags=['staging', 'mmm']) }}
-- Grain: claim of a token offer, of known users and others, without the claimant.
{%- if has_source('token_offer_claims') %}
WITH numbered AS (
  SELECT
    block_timestamp AS claim_ts,
    amount_received_usd AS amount_usd,
    {{ text_or_null('offer_token_symbol') }} AS token_symbol,
    row_number() OVER (
      PARTITION BY {{ normalized('transaction_hash') }}, log_index
      ORDER BY block_timestamp, amount_received_usd NULLS LAST, offer_token_symbol NULLS LAST
    ) AS copy_no
  FROM {{ source('token_offer_claims') }}
  WHERE {{ usable('token_offer_claims') | indent(2) }}
)

SELECT
  claim_ts,
  CAST(claim_ts AS DATE) AS claim_date,
  amount_usd,
  token_symbol
FROM numbered
WHERE copy_no = 1
{%- else %}
SELECT
  CAST(NULL AS TIMESTAMP) AS claim_ts,
  CAST(NULL AS DATE) AS claim_date,
  CAST(NULL AS DECIMAL(18, 6)) AS amount_usd,
  CAST(NULL AS VARCHAR) AS token_symbol
WHERE FALSE
{%- endif %}
