with rows_of_both as (
    {{ standard_rows('supervision_rules', [
        'rule_id', 'topic', 'subject_kind', 'counts', 'operator', 'value', 'unit', 'name', 'name_zh', 'note', 'valid_from', 'valid_to',
        'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        topic,
        subject_kind,
        counts,
        operator,
        cast(value as double) as value,
        unit,
        name,
        name_zh,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
