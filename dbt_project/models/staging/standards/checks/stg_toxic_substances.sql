with rows_of_both as (
    {{ standard_rows('toxic_substances', [
        'match_kind', 'match_code', 'list_class', 'name', 'name_zh', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        match_kind,
        match_code,
        cast(list_class as bigint) as list_class,
        name,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
