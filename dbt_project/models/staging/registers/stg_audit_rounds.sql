with

source as (
    select * from {{ source('landing', 'audit_round') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        round_id,
        valid_from,

        -- what it says
        enterprise_id,
        kind,
        listed_on,
        period_start,
        period_end,
        no_low_limit_cny,
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
