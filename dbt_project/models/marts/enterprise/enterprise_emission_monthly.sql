{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'month', 'date': 'month_start_date'}},
) }}

{{ emission_of('enterprise', 'month') }}
