with rows_of_both as (
    {{ standard_rows('reconciliation_rules', [
        'rule_code', 'value', 'unit', 'name', 'name_zh', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        rule_code,
        cast(value as double) as value,
        unit,
        name,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
