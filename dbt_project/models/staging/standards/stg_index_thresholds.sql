with rows_of_both as (
    {{ standard_rows('index_thresholds', [
        'index_system_id', 'indicator_id', 'grade', 'semantics', 'operator', 'value', 'value_to', 'text', 'text_zh', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        index_system_id,
        indicator_id,
        grade,
        semantics,
        operator,
        cast(value as double) as value,
        cast(value_to as double) as value_to,
        text,
        text_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
