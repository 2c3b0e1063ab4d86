{{ config(materialized='table', tags=['attribution', 'coverage']) }}
{{ coverage_daily(ref('int_journeys'), ref('int_conversions'), var('lookbacks')) }}
