with

source as (
    select * from {{ source('landing', 'meter_event') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        point_id,
        parameter_code,
        event_at_utc,
        event_kind,

        -- what it says
        event_date,
        final_register,
        initial_register,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
