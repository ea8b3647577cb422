with

source as (
    select * from {{ source('landing', 'material_offer') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        item_code,
        direction,
        valid_from,

        -- what it says
        quantity,
        unit,
        valid_to,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
