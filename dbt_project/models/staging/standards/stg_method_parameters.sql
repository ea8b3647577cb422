with rows_of_both as (
    {{ standard_rows('method_parameters', [
        'method', 'parameter', 'scope', 'value', 'unit', 'description', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        method,
        parameter,
        scope,
        cast(value as double) as value,
        unit,
        description,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
