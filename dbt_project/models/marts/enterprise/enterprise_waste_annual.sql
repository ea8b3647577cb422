{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park', 'period': 'year', 'date': 'year_start_date'}},
) }}

{{ waste_of('enterprise', 'year') }}
