with

standard_rows as (
    select * from {{ ref('stg_emission_rates') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        parameter_code,
        pollutant_code,
        medium,
        activity_parameter,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
