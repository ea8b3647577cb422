with rows_of_both as (
    {{ standard_rows('balance_uncertainties', [
        'source', 'item_kind', 'item_code', 'state', 'relative_uncertainty', 'valid_from', 'valid_to',
        'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        source,
        item_kind,
        item_code,
        state,
        cast(relative_uncertainty as double) as relative_uncertainty,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
