with

source as (
    select * from {{ source('landing', 'identifier') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        scheme,
        value,
        valid_from,

        -- what it says
        entity_kind,
        entity_id,
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
