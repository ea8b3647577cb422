with

register as (
    select * from {{ ref('stg_processes') }}
),

final as (
    select
        park_id,
        process_id,
        enterprise_id,
        name,
        process_code,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
