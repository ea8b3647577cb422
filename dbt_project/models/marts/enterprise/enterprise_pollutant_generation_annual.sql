{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{{ pollutant_generation_of('year') }}
