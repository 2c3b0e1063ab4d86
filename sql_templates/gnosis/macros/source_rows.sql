{#
Rows of the sources: which can be used, and the sources of the weekly series as relations.

A row without one of the values below, or with a text that is not of its column's type, cannot be used; every reader of a
source leaves it out by the same condition, and stg_unusable_rows counts it.
#}

{# What each source needs on every row, as {source: {column: type}}, into the given mapping. #}
{% macro collect_needed_columns(needed) -%}
{%- do needed.update({
  'users_current': {'address': 'VARCHAR', 'first_seen_at': 'TIMESTAMP'},
  'user_events': {
    'address': 'VARCHAR', 'heuristic_kind': 'VARCHAR', 'block_timestamp': 'TIMESTAMP', 'transaction_hash': 'VARCHAR',
  },
  'swaps': {'taker': 'VARCHAR', 'order_uid': 'VARCHAR', 'block_timestamp': 'TIMESTAMP', 'was_filled': 'BOOLEAN'},
  'gpay_topups': {
    'ga_user': 'VARCHAR', 'block_timestamp': 'TIMESTAMP', 'transaction_hash': 'VARCHAR', 'log_index': 'BIGINT',
  },
  'token_offer_claims': {
    'ga_user': 'VARCHAR', 'block_timestamp': 'TIMESTAMP', 'transaction_hash': 'VARCHAR', 'log_index': 'BIGINT',
  },
  'marketplace_payments': {
    'payer': 'VARCHAR', 'block_timestamp': 'TIMESTAMP', 'transaction_hash': 'VARCHAR', 'log_index': 'BIGINT',
  },
  'mixpanel_events': {
    'insert_id': 'VARCHAR', 'event_time': 'TIMESTAMP', 'user_id_hash': 'VARCHAR', 'is_production': 'BOOLEAN',
    'is_identified': 'BOOLEAN',
  },
  'gpay_wallets': {'address': 'VARCHAR'},
  'gpay_activity': {
    'wallet_address': 'VARCHAR', 'block_timestamp': 'TIMESTAMP', 'transaction_hash': 'VARCHAR', 'action': 'VARCHAR',
  },
  'safes_owner_events': {'safe_address': 'VARCHAR', 'owner': 'VARCHAR', 'event_kind': 'VARCHAR'},
  'gpay_spender_delegates': {'gp_safe': 'VARCHAR', 'delegate_address': 'VARCHAR'},
  'token_prices_daily': {'date': 'DATE', 'symbol': 'VARCHAR', 'price': 'DOUBLE'},
  'transactions_info_daily': {'date': 'DATE'},
  'pools_daily': {'date': 'DATE', 'pool': 'VARCHAR'},
  'trades_by_protocol_daily': {'date': 'DATE', 'protocol': 'VARCHAR'},
  'gpay_activity_weekly': {'week': 'DATE'},
  'gnosis_app_users_daily': {'date': 'DATE'},
  'gpay_topups_weekly': {'week': 'DATE'},
  'staked_daily': {'date': 'DATE'},
  'bridges_netflow_weekly': {'week': 'DATE', 'bridge': 'VARCHAR'},
  'proposer_rewards_daily': {'date': 'DATE'},
  'validators_income_daily': {'date': 'DATE'},
  'validator_apy_daily': {'date': 'DATE'},
  'lm_rewards_daily': {'date': 'DATE'},
  'bridge_incentives_daily': {'date': 'DATE'},
}) -%}
{%- endmacro %}

{# A column as it is used: text without surrounding blanks, NULL when blank. #}
{% macro cleaned_column(column, data_type) -%}
{{ text_or_null(column) if data_type == 'VARCHAR' else column }}
{%- endmacro %}

{# An address, hash or identifier in the one spelling that is compared. #}
{% macro normalized(column) -%}
lower(trim({{ column }}))
{%- endmacro %}

{# Whether a row of a source can be used. #}
{% macro usable(source_name) -%}
{%- set needed = {} -%}
{%- do collect_needed_columns(needed) -%}
_unreadable IS NULL
{%- for column, data_type in needed[source_name].items() %}
AND {{ cleaned_column(column, data_type) }} IS NOT NULL
{%- endfor -%}
{%- endmacro %}

{# The usable rows of a source with the given columns, {column: type}; none when the project does not have the source, so
   that every registered series keeps a place in the weekly frame. #}
{% macro staged_source(source_name, columns) -%}
SELECT
  {%- for column, data_type in columns.items() %}
  {% if not has_source(source_name) -%}
  CAST(NULL AS {{ data_type }}) AS {{ column }}
  {%- elif data_type == 'VARCHAR' -%}
  {{ text_or_null(column) }} AS {{ column }}
  {%- else -%}
  {{ column }}
  {%- endif -%}
  {{ ',' if not loop.last }}
  {%- endfor %}
{%- if has_source(source_name) %}
FROM {{ source(source_name) }}
WHERE {{ usable(source_name) | indent(2) }}
{%- else %}
WHERE FALSE
{%- endif %}
{%- endmacro %}
