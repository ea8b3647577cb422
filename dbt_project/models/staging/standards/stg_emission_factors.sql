with rows_of_both as (
    {{ standard_rows('emission_factors', [
        'factor_id', 'sector_code', 'activity', 'subject_code', 'unit', 'medium', 'pollutant_code', 'kg_per_unit',
        'derivation', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        factor_id,
        sector_code,
        activity,
        subject_code,
        unit,
        medium,
        pollutant_code,
        cast(kg_per_unit as double) as kg_per_unit,
        derivation,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
