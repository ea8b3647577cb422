with rows_of_both as (
    {{ standard_rows('monitor_mark_rules', [
        'mark_code', 'mark_class', 'flag', 'period_kind', 'is_stopped', 'excludes_from_compliance', 'name_zh', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        mark_code,
        mark_class,
        flag,
        period_kind,
        cast(is_stopped as boolean) as is_stopped,
        cast(excludes_from_compliance as boolean) as excludes_from_compliance,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
