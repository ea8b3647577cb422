{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park', 'period': 'month', 'date': 'month_start_date'}},
) }}

{{ waste_of('enterprise', 'month') }}
