with

standard_rows as (
    select * from {{ ref('stg_pollution_equivalents') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        pollutant_code,
        medium,
        equivalent_class,
        name_zh,
        equivalent_kg,
        exclusive_group,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
