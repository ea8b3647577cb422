with rows_of_both as (
    {{ standard_rows('reconciliation_classes', [
        'direction', 'class_code', 'deviation_from', 'deviation_to', 'weight', 'valid_from', 'valid_to',
        'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        direction,
        class_code,
        cast(deviation_from as double) as deviation_from,
        cast(deviation_to as double) as deviation_to,
        cast(weight as double) as weight,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
