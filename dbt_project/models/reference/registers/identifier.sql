with

register as (
    select * from {{ ref('stg_identifiers') }}
),

final as (
    select
        park_id,
        scheme,
        value,
        entity_kind,
        entity_id,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
