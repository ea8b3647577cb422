{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {
        'entity': 'enterprise', 'period': 'month', 'date': 'month_start_date', 'relation': 'int_touched_enterprise_periods',
    }},
) }}

{{ enterprise_carbon_of('month') }}
