{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'month', 'date': 'month_start_date'}},
) }}

{{ enterprise_production_of('month') }}
