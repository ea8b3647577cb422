with

rows_of_both as (
    {{ standard_rows('parameters', [
        'parameter_code', 'name', 'name_zh', 'kind', 'medium', 'unit', 'total_unit', 'mass_from', 'mass_scale',
        'hj212_unit', 'hj212_total_unit', 'description', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

typed as (
    select
        -- key
        parameter_code,
        name,
        name_zh,
        kind,
        medium,

        -- units
        unit,
        total_unit,
        mass_from,
        cast(mass_scale as double) as mass_scale,
        hj212_unit,
        hj212_total_unit,
        description,

        -- provenance
        {{ provenance_columns() }}
    from rows_of_both
)

select * from typed
