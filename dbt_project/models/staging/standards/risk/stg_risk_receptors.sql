with rows_of_both as (
    {{ standard_rows('risk_receptors', [
        'medium', 'receptor_kind', 'e_class', 'at_least', 'is_required', 'name', 'name_zh', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        medium,
        receptor_kind,
        e_class,
        cast(at_least as double) as at_least,
        cast(is_required as boolean) as is_required,
        name,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
