with

standard_rows as (
    select * from {{ ref('stg_equipment_lives') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        equipment_code,
        design_life_years,
        drift_limit_share,
        name,
        name_zh,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
