with

standard_rows as (
    select * from {{ ref('stg_emission_balances') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        balance_id,
        sector_code,
        item_code,
        unit,
        medium,
        pollutant_code,
        content_parameter,
        mass_ratio,
        conversion,
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
