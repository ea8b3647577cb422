with

source as (
    select * from {{ source('landing', 'outlet') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        outlet_id,
        valid_from,

        -- what it says
        enterprise_id,
        name,
        medium,
        kind,
        discharge_kind,
        receiving_enterprise_id,
        standard_id,
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
