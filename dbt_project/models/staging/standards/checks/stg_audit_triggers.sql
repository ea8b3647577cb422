with rows_of_both as (
    {{ standard_rows('audit_triggers', [
        'trigger_code', 'category', 'category_zh', 'lookback_months', 'min_count', 'announce_within_months',
        'start_within_months', 'finish_within_months', 'interval_months', 'name', 'name_zh', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        trigger_code,
        category,
        category_zh,
        cast(lookback_months as bigint) as lookback_months,
        cast(min_count as bigint) as min_count,
        cast(announce_within_months as bigint) as announce_within_months,
        cast(start_within_months as bigint) as start_within_months,
        cast(finish_within_months as bigint) as finish_within_months,
        cast(interval_months as bigint) as interval_months,
        name,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
