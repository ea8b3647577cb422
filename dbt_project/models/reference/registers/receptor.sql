with

register as (
    select * from {{ ref('stg_receptors') }}
),

final as (
    select
        park_id,
        enterprise_id,
        medium,
        receptor_kind,
        name,
        quantity,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
