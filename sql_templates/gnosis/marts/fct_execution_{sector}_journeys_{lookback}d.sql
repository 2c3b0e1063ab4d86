{{ config(materialized='view', tags=['mta', sector, 'journeys', 'window:' ~ lookback ~ 'd']) }}
{{ journeys_window(ref('int_execution_' ~ sector ~ '_journeys'), lookback, with_role=sector == 'gpay') }}
