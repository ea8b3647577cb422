with

standard_rows as (
    select * from {{ ref('stg_validity_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        rule_set,
        medium,
        hour_minutes,
        day_hours,
        operating_share,
        month_days,
        february_days,
        oxygen_ceiling_percent,
        mark_minutes,
        note,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
