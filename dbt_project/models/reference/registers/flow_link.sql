with

register as (
    select * from {{ ref('stg_flow_links') }}
),

final as (
    select
        park_id,
        point_id,
        target_kind,
        target_id,
        medium,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
