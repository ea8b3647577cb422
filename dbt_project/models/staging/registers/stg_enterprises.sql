with

source as (
    select * from {{ source('landing', 'enterprise') }}
),

current_rows as (
    select
        -- key
        park_id,
        enterprise_id,
        valid_from,

        -- what it says
        name,
        sector_code,
        index_system_id,
        confidentiality,
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
