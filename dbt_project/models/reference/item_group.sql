with

standard_rows as (
    select * from {{ ref('stg_item_groups') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        item_group,
        item_code,
        position,
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
