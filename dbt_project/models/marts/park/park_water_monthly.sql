{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {
        'entity': 'park', 'period': 'year', 'date': 'month_start_date', 'relation': 'int_touched_enterprise_periods',
    }},
) }}

{{ water_of('park', 'month') }}
