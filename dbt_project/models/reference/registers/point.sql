with

register as (
    select * from {{ ref('stg_points') }}
),

final as (
    select
        park_id,
        point_id,
        enterprise_id,
        outlet_id,
        process_id,
        name,
        kind,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
