with

source as (
    select * from {{ source('landing', 'survey_answer') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        subject_kind,
        subject_id,
        checklist_id,
        item_id,
        answered_on,
        surveyor_role,

        -- what it says
        answer,
        value,
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
