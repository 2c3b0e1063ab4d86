{{ config(materialized='table', tags=['mta', sector, 'attribution', 'window:' ~ lookback ~ 'd']) }}
{{ rolling_attribution(
  credits=ref('int_execution_' ~ sector ~ '_credits_' ~ lookback ~ 'd'),
  attribution_window_days=var('attribution_window_days'),
  with_role=sector == 'gpay'
) }}
