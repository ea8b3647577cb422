with

register as (
    select * from {{ ref('stg_qualifications') }}
),

final as (
    select
        park_id,
        qualification_id,
        holder_kind,
        holder_id,
        role,
        field,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
