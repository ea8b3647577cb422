with rows_of_both as (
    {{ standard_rows('emission_balances', [
        'balance_id', 'sector_code', 'item_code', 'unit', 'medium', 'pollutant_code', 'content_parameter', 'mass_ratio',
        'conversion', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        balance_id,
        sector_code,
        item_code,
        unit,
        medium,
        pollutant_code,
        content_parameter,
        cast(mass_ratio as double) as mass_ratio,
        cast(conversion as double) as conversion,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
