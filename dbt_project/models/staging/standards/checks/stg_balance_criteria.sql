with rows_of_both as (
    {{ standard_rows('balance_criteria', [
        'balance_kind', 'component', 'component_class', 'unit', 'closure_limit', 'min_coverage', 'min_hours',
        'min_batches', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        balance_kind,
        component,
        component_class,
        unit,
        cast(closure_limit as double) as closure_limit,
        cast(min_coverage as double) as min_coverage,
        cast(min_hours as double) as min_hours,
        cast(min_batches as bigint) as min_batches,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
