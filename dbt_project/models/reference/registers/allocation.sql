with

register as (
    select * from {{ ref('stg_allocations') }}
),

final as (
    select
        park_id,
        source_kind,
        source_id,
        enterprise_id,
        share,
        basis,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
