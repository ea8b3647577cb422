{{ config(materialized='table') }}

with

reports as (
    select * from {{ ref('int_self_report_subjects') }}
),

final as (
    select
        park_id,
        subject_kind,
        subject_id,
        enterprise_id,
        process_id,
        item_code,
        medium,
        period_start,
        period_end,
        report_kind,
        line_id,
        value,
        unit,
        value_raw,
        unit_raw,
        method_code,
        state,
        submitted_at_utc,
        due_at_utc,
        -- a report that is overdue and still missing is late too
        case
            when due_at_utc is null then null
            when state = 'missing' then true
            else submitted_at_utc > due_at_utc
        end as is_late,
        submission_no,
        confidentiality,
        feed_id,
        delivery_id,
        source_row,
        known_from
    from reports
)

select * from final
