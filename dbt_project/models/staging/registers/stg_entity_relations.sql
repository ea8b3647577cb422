with

source as (
    select * from {{ source('landing', 'entity_relation') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        entity_kind,
        from_id,
        to_id,
        effective_date,

        -- what it says
        relation,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
