with

standard_rows as (
    select * from {{ ref('stg_pollutant_components') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        conversion_id,
        pollutant_code,
        component_code,
        component_molar_mass,
        counted_molar_mass,
        molar_volume,
        ppm_per_unit,
        preference,
        note,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
