with

source as (
    select * from {{ source('landing', 'emergency_plan') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        plan_id,
        valid_from,

        -- what it says
        filed_on,
        expires_on,
        evidence_sha256,
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
