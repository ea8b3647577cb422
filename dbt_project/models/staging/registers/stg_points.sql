with

source as (
    select * from {{ source('landing', 'point') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        point_id,
        valid_from,

        -- what it says
        enterprise_id,
        outlet_id,
        process_id,
        name,
        kind,
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
