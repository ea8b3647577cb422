with

register as (
    select * from {{ ref('stg_entity_relations') }}
),

final as (
    select
        park_id,
        entity_kind,
        from_id,
        to_id,
        relation,
        effective_date,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
