with

source as (
    select * from {{ source('landing', 'reading') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        point_id,
        parameter_code,
        statistic,
        source_kind,
        period_start_utc,
        period_end_utc,

        -- what it says
        local_date,
        value,
        unit,
        value_raw,
        unit_raw,
        qualifier,
        detection_limit,
        flag,
        state,
        sample_id,
        batch_id,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
