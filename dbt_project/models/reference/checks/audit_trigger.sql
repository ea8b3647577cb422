with

standard_rows as (
    select * from {{ ref('stg_audit_triggers') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        trigger_code,
        category,
        category_zh,
        lookback_months,
        min_count,
        interval_months,
        name,
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
