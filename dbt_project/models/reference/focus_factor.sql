with

standard_rows as (
    select * from {{ ref('stg_focus_factors') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        factor_code,
        name,
        name_zh,
        source,
        codes,
        measure,
        unit,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
