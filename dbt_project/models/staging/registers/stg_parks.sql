with

source as (
    select * from {{ source('landing', 'park') }}
),

current_rows as (
    select
        -- key
        park_id,
        valid_from,

        -- what it says
        name,
        area_km2,
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
