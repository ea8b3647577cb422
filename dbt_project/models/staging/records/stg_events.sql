with

source as (
    select * from {{ source('landing', 'event') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        event_id,

        -- what it says
        event_kind,
        category,
        subject_kind,
        subject_id,
        occurred_on,
        occurred_at_utc,
        ended_on,
        severity,
        amount_cny,
        quantity,
        unit,
        due_on,
        closed_on,
        parameter_code,
        related_id,
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
