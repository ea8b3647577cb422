with

source as (
    select * from {{ source('landing', 'channel') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        point_id,
        parameter_code,
        valid_from,

        -- what it says
        basis,
        range_min,
        range_max,
        detection_limit,
        register_kind,
        multiplier,
        digits,
        step_minutes,
        flow_item,
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
