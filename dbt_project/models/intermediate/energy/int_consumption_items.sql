with

parameters as (
    select * from {{ ref('stg_parameters') }}
),

final as (
    select
        parameter_code as item_code,
        kind as item_kind,
        total_unit as unit,
        valid_from,
        {{ validity_end('parameter_code') }} as valid_to
    from parameters
    where kind in ('energy', 'water', 'material') and total_unit is not null
)

select * from final
