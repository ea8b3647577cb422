with

standard_rows as (
    select * from {{ ref('stg_economic_parameters') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        parameter_id,
        parameter_code,
        enterprise_id,
        investment_band,
        investment_from_cny,
        investment_to_cny,
        value,
        value_low,
        unit,
        description,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
