with rows_of_both as (
    {{ standard_rows('tax_rates', [
        'region', 'tax_kind', 'subject_code', 'rate_cny', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        region,
        tax_kind,
        subject_code,
        cast(rate_cny as double) as rate_cny,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
