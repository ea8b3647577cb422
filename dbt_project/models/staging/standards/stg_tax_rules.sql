with rows_of_both as (
    {{ standard_rows('tax_rules', [
        'rule_id', 'rule_kind', 'subject_code', 'threshold', 'value', 'note', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        rule_kind,
        subject_code,
        cast(threshold as double) as threshold,
        cast(value as double) as value,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
