with rows_of_both as (
    {{ standard_rows('audit_triggers', [
        'trigger_code', 'category', 'category_zh', 'lookback_months', 'min_count', 'interval_months', 'name',
        'name_zh', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        trigger_code,
        category,
        category_zh,
        cast(lookback_months as bigint) as lookback_months,
        cast(min_count as bigint) as min_count,
        cast(interval_months as bigint) as interval_months,
        name,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
