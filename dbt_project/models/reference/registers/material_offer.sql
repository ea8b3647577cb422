with

register as (
    select * from {{ ref('stg_material_offers') }}
),

final as (
    select
        park_id,
        enterprise_id,
        item_code,
        direction,
        quantity,
        unit,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
