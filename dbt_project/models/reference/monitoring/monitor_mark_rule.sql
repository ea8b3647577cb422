with

standard_rows as (
    select * from {{ ref('stg_monitor_mark_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        mark_code,
        mark_class,
        flag,
        period_kind,
        is_stopped,
        excludes_from_compliance,
        name_zh,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
