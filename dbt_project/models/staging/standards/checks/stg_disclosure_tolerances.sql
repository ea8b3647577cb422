with rows_of_both as (
    {{ standard_rows('disclosure_tolerances', [
        'item_kind', 'item_code', 'tolerance_share', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        item_kind,
        item_code,
        cast(tolerance_share as double) as tolerance_share,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
