with

standard_rows as (
    select * from {{ ref('stg_risk_substances') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        substance_code,
        name,
        name_zh,
        part,
        critical_t,
        counts_for_air,
        counts_for_water,
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
