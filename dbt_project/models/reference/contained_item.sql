with

standard_rows as (
    select * from {{ ref('stg_contained_items') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        item_code,
        contained_in,
        note,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
