{#- What enterprises declared before they declared something else, or took it back. Never current. -#}
with

source as (
    select * from {{ source('landing', 'self_report') }}
),

superseded_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        subject_kind,
        subject_id,
        item_code,
        medium,
        period_start,
        period_end,
        report_kind,
        line_id,

        -- what it said
        value,
        unit,
        submission_no,
        submitted_at_utc,

        -- where it came from, and since and until when it was what we knew
        feed_id,
        delivery_id,
        source_row,
        known_from,
        known_to
    from source
    where known_to is not null
)

select * from superseded_rows
