with rows_of_both as (
    {{ standard_rows('focus_factors', [
        'factor_code', 'name', 'name_zh', 'source', 'codes', 'measure', 'unit', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        factor_code,
        name,
        name_zh,
        source,
        codes,
        measure,
        unit,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
