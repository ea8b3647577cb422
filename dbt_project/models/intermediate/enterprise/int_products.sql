with

products as (
    select * from {{ ref('stg_products') }}
),

final as (
    select
        product_code,
        enterprise_id,
        process_id,
        product_kind,
        unit,
        valid_from,
        {{ validity_end('product_code') }} as valid_to
    from products
)

select * from final
