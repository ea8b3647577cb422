{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'quarter', 'date': 'quarter_start_date'}},
) }}

{{ emission_of('enterprise', 'quarter') }}
