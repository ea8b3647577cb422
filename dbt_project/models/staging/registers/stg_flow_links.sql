with

source as (
    select * from {{ source('landing', 'flow_link') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        point_id,
        target_kind,
        target_id,
        medium,
        valid_from,

        -- what it says
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
