{{ config(materialized='table', tags=['mmm']) }}
{{ mmm_baseline(ref('int_execution_mmm_kpis_weekly'), ref('int_execution_mmm_media_weekly')) }}
