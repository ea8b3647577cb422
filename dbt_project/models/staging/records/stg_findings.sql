with

source as (
    select * from {{ source('landing', 'finding') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        finding_id,

        -- what it says
        enterprise_id,
        subject_kind,
        subject_id,
        found_on,
        phase,
        cause_code,
        item_code,
        quantity,
        unit,
        severity,
        due_on,
        status,
        closed_on,
        description,
        evidence_sha256,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
