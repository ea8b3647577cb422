{#- What a non-detect counts as, by purpose, parameter and validity; `-` is every parameter without a row of its own. The marts follow `audit`. -#}
with

policies as (
    select
        purpose,
        coalesce(parameter_code, '-') as parameter_code,
        share_of_limit,
        valid_from,
        valid_to
    from {{ ref('stg_nd_policies') }}
),

final as (
    select
        purpose,
        parameter_code,
        share_of_limit,
        valid_from,
        {{ validity_end('purpose, parameter_code') }} as valid_to
    from policies
)

select * from final
