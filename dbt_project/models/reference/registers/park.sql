with

register as (
    select * from {{ ref('stg_parks') }}
),

final as (
    select
        park_id,
        name,
        area_km2,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
