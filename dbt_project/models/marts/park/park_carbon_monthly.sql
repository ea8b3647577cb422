{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {
        'entity': 'park', 'period': 'month', 'date': 'month_start_date', 'relation': 'int_touched_enterprise_periods',
    }},
) }}

{{ park_carbon_of('month') }}
