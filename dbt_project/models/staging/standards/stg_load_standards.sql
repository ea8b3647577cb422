with rows_of_both as (
    {{ standard_rows('load_standards', [
        'load_standard_set', 'name', 'name_zh', 'medium', 'priority', 'standard_id', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        load_standard_set,
        name,
        name_zh,
        medium,
        cast(priority as bigint) as priority,
        standard_id,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
