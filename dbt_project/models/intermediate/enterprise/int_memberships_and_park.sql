{#- Members of the park, and the park itself (`-`), which owns meters of its own and never leaves. -#}
with

memberships as (
    select * from {{ ref('int_memberships') }}
),

final as (
    select
        enterprise_id,
        valid_from,
        valid_to
    from memberships
    union all
    select
        '-' as enterprise_id,
        cast('0001-01-01' as date) as valid_from,
        {{ end_of_time() }} as valid_to
)

select * from final
