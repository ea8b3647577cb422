with

source as (
    select * from {{ source('landing', 'receptor') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        medium,
        receptor_kind,
        valid_from,

        -- what it says
        name,
        quantity,
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
