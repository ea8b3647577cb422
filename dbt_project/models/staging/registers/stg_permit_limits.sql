with

source as (
    select * from {{ source('landing', 'permit_limit') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        subject_kind,
        subject_id,
        parameter_code,
        limit_kind,
        valid_from,

        -- what it says
        permit_id,
        limit_value,
        unit,
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
