with

standard_rows as (
    select * from {{ ref('stg_emission_factors') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        factor_id,
        sector_code,
        activity,
        subject_code,
        unit,
        medium,
        pollutant_code,
        kg_per_unit,
        derivation,
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
