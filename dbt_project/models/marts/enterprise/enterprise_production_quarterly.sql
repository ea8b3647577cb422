{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'quarter', 'date': 'quarter_start_date'}},
) }}

{{ enterprise_production_of('quarter') }}
