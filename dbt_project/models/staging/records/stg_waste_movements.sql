with

source as (
    select * from {{ source('landing', 'waste_movement') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        manifest_id,
        line_id,
        movement,

        -- what it says
        enterprise_id,
        process_id,
        waste_code,
        waste_kind,
        moved_on,
        quantity_t,
        receiver_id,
        receiver_licence,
        received_on,
        received_t,
        state,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
