with

register as (
    select * from {{ ref('stg_meter_links') }}
),

final as (
    select
        park_id,
        point_id,
        parent_point_id,
        role,
        share,
        formula,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
