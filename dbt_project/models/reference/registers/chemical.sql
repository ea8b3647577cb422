with

register as (
    select * from {{ ref('stg_chemicals') }}
),

final as (
    select
        park_id,
        enterprise_id,
        substance_code,
        name,
        max_on_site_t,
        pure_share,
        used_as,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
