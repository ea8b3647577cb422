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
        announce_within_months,
        start_within_months,
        finish_within_months,
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
