{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {
        'entity': 'enterprise', 'period': 'quarter', 'date': 'quarter_start_date', 'relation': 'int_touched_enterprise_periods',
    }},
) }}

{{ enterprise_carbon_of('quarter') }}
