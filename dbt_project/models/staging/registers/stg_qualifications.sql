with

source as (
    select * from {{ source('landing', 'qualification') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        qualification_id,
        valid_from,

        -- what it says
        holder_kind,
        holder_id,
        role,
        field,
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
