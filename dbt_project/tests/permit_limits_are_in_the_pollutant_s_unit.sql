{#- A limit in another unit is held against nothing (int_outlet_limits leaves it out): somebody has to be told. -#}
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_permit_limits'}}}) }}

with

limits as (
    select
        'permit' as limit_source,
        permit_id as limit_id,
        parameter_code,
        unit
    from {{ ref('stg_permit_limits') }}
    where limit_kind in ('hourly_concentration', 'daily_concentration')
    union all
    select
        'standard' as limit_source,
        limit_id,
        parameter_code,
        unit
    from {{ ref('stg_limits') }}
),

parameters as (
    select * from {{ ref('stg_parameters') }}
)

select
    limits.*,
    parameters.unit as expected_unit
from limits
left join parameters on limits.parameter_code = parameters.parameter_code
where limits.unit is distinct from parameters.unit
