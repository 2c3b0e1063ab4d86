{{ config(materialized='incremental', time_column='conversion_date', tags=['attribution', 'coverage']) }}
{{ coverage_daily(ref('int_journeys'), ref('int_conversions'), var('lookbacks')) }}
