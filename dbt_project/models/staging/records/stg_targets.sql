with

source as (
    select * from {{ source('landing', 'target') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        subject_kind,
        subject_id,
        metric_code,
        target_year,

        -- what it says
        baseline_year,
        baseline_value,
        target_value,
        unit,
        set_on,
        set_by,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
