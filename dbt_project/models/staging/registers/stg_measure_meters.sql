with

source as (
    select * from {{ source('landing', 'measure_meter') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        measure_id,
        point_id,
        parameter_code,
        valid_from,

        -- what it says
        share,
        driver_code,
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
