with

source as (
    select * from {{ source('landing', 'review') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        review_id,

        -- what it says
        about,
        subject_key,
        enterprise_id,
        decided_on,
        decision,
        value_text,
        role,
        independence,
        valid_to,
        opinion,
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
