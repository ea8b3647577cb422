{#-
    Factors of heat in force on any day: carbon of a gigajoule of fuel, heat of a tonne of coal equivalent, and what feed water brings
    into steam. A park's own row goes before the seed's.
-#}
with

factors as (
    select * from {{ ref('stg_factors') }}
    where kind in ('ghg_per_heat', 'heat_per_tce', 'feedwater_enthalpy') and is_default
),

own as (
    select distinct
        kind,
        item_code
    from factors
    where origin = 'park'
),

final as (
    select
        factors.kind,
        factors.item_code,
        factors.factor_id,
        factors.value,
        -- heat that is bought leaves its gas with who made it
        case when factors.kind = 'ghg_per_heat' then case factors.basis when 'purchased' then 'scope_2' else 'scope_1' end end as scope,
        factors.verification_status,
        factors.valid_from,
        {{ validity_end('factors.kind, factors.item_code') }} as valid_to
    from factors
    left join own
        on factors.kind = own.kind and factors.item_code = own.item_code
    where factors.origin = 'park' or own.kind is null
)

select * from final
