with

standards as (
    select * from {{ ref('stg_parameters') }}
),

final as (
    select
        parameter_code,
        name,
        name_zh,
        kind,
        medium,
        unit,
        total_unit,
        mass_from,
        mass_scale,
        hj212_unit,
        hj212_total_unit,
        description,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standards
)

select * from final
