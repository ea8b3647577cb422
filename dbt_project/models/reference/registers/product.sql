with

register as (
    select * from {{ ref('stg_products') }}
),

final as (
    select
        park_id,
        enterprise_id,
        product_code,
        process_id,
        name,
        unit,
        product_kind,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
