{{ config(materialized='table', tags=['mmm']) }}
{{ mmm_baseline(ref('int_mmm_kpis_weekly'), ref('int_mmm_media_weekly')) }}
