{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park', 'period': 'quarter', 'date': 'quarter_start_date'}},
) }}

{{ waste_of('park', 'quarter') }}
