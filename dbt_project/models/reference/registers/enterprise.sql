with

register as (
    select * from {{ ref('stg_enterprises') }}
),

final as (
    select
        park_id,
        enterprise_id,
        name,
        sector_code,
        index_system_id,
        confidentiality,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
