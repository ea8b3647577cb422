with

source as (
    select * from {{ source('landing', 'audit_step') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        round_id,
        step_code,

        -- what it says
        entered_on,
        due_on,
        done_on,
        role,
        evidence_sha256,
        note,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
