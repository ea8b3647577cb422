with

source as (
    select * from {{ source('landing', 'monitor_mark') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        outlet_id,
        mark_code,
        parameter_code,
        begins_at_utc,
        valid_from,

        -- what it says
        ends_at_utc,
        evidence_sha256,
        note,
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
