with rows_of_both as (
    {{ standard_rows('energy_quotas', [
        'quota_id', 'standard_id', 'product_kind', 'process_code', 'metric_code', 'level', 'value', 'unit',
        'name_zh', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        quota_id,
        standard_id,
        product_kind,
        process_code,
        metric_code,
        level,
        cast(value as double) as value,
        unit,
        name_zh,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
