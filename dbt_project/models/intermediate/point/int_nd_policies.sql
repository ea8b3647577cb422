{#- What a non-detect counts as in the marts, by parameter and validity; `-` is every parameter without a row of its own. -#}
with

policies as (
    select
        coalesce(parameter_code, '-') as parameter_code,
        share_of_limit,
        valid_from,
        valid_to
    from {{ ref('stg_nd_policies') }}
    where purpose = 'audit'
),

final as (
    select
        parameter_code,
        share_of_limit,
        valid_from,
        {{ validity_end('parameter_code') }} as valid_to
    from policies
)

select * from final
