with

register as (
    select * from {{ ref('stg_outlets') }}
),

final as (
    select
        park_id,
        outlet_id,
        enterprise_id,
        name,
        medium,
        kind,
        discharge_kind,
        receiving_enterprise_id,
        standard_id,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
