{{ config(materialized='view', time_column='conversion_ts', tags=['mta', sector, 'journeys', 'window:' ~ lookback ~ 'd']) }}
{{ journeys_window(ref('int_execution_' ~ sector ~ '_journeys'), lookback, with_role=sector == 'gpay') }}
