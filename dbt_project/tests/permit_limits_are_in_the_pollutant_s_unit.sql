{#-
    A limit in another unit is held against nothing (int_outlet_limits and permit_total_progress leave it out): somebody has to be told.
-#}
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_permit_limits'}}}) }}

with

limits as (
    select
        'permit' as limit_source,
        permit_id as limit_id,
        parameter_code,
        unit,
        limit_kind
    from {{ ref('stg_permit_limits') }}
    union all
    select
        'standard' as limit_source,
        limit_id,
        parameter_code,
        unit,
        limit_kind
    from {{ ref('stg_limits') }}
),

parameters as (
    select * from {{ ref('stg_parameters') }}
)

select
    limits.*,
    case limits.limit_kind when 'annual_mass' then 'kg or t' else parameters.unit end as expected_unit
from limits
left join parameters on limits.parameter_code = parameters.parameter_code
where (limits.limit_kind = 'annual_mass' and {{ kilograms('1', 'limits.unit') }} is null)
    or (limits.limit_kind <> 'annual_mass' and limits.unit is distinct from parameters.unit)
