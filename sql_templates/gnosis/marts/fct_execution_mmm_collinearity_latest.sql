{{ config(materialized='table', tags=['mmm', 'window:trailing_730d']) }}
{{ mmm_collinearity(ref('int_execution_mmm_media_weekly'), trailing_days=730) }}
