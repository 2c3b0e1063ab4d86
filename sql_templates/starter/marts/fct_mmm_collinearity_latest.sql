{{ config(materialized='table', tags=['mmm']) }}
{{ mmm_collinearity(ref('int_mmm_media_weekly')) }}
