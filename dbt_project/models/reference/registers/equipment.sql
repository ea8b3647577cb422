with

register as (
    select * from {{ ref('stg_equipment') }}
),

final as (
    select
        park_id,
        equipment_id,
        enterprise_id,
        process_id,
        name,
        model,
        equipment_code,
        pieces,
        commissioned_on,
        capacity,
        unit,
        rated_efficiency,
        actual_efficiency,
        treats_parameter,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
