with rows_of_both as (
    {{ standard_rows('emission_methods', [
        'method_code', 'name', 'name_zh', 'family', 'state', 'relative_uncertainty', 'description', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        method_code,
        name,
        name_zh,
        family,
        state,
        cast(relative_uncertainty as double) as relative_uncertainty,
        description,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
