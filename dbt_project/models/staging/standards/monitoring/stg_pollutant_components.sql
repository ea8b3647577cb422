with rows_of_both as (
    {{ standard_rows('pollutant_components', [
        'conversion_id', 'pollutant_code', 'component_code', 'component_molar_mass', 'counted_molar_mass', 'molar_volume',
        'ppm_per_unit', 'preference', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        conversion_id,
        pollutant_code,
        component_code,
        cast(component_molar_mass as double) as component_molar_mass,
        cast(counted_molar_mass as double) as counted_molar_mass,
        cast(molar_volume as double) as molar_volume,
        cast(ppm_per_unit as double) as ppm_per_unit,
        cast(preference as integer) as preference,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
