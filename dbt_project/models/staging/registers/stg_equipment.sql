with

source as (
    select * from {{ source('landing', 'equipment') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        equipment_id,
        valid_from,

        -- what it says
        enterprise_id,
        process_id,
        name,
        model,
        equipment_code,
        pieces,
        commissioned_on,
        capacity,
        unit,
        rated_efficiency,
        actual_efficiency,
        treats_parameter,
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
