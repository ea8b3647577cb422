with

source as (
    select * from {{ source('landing', 'self_report') }}
),

current_rows as (
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

        -- what it says
        value,
        unit,
        value_raw,
        unit_raw,
        method_code,
        state,
        submitted_at_utc,
        due_at_utc,
        submission_no,
        confidentiality,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
