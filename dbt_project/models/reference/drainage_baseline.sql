with

standard_rows as (
    select * from {{ ref('stg_drainage_baselines') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        standard_id,
        product_kind,
        drainage_m3_per_unit,
        product_unit,
        condition,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
