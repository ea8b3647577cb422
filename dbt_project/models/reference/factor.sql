with

standard_rows as (
    select * from {{ ref('stg_factors') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        factor_id,
        kind,
        item_code,
        basis,
        region,
        series,
        data_year,
        unit_from,
        unit_to,
        value,
        derivation,
        is_default,
        published_at,
        supersedes,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
