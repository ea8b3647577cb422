with

standard_rows as (
    select * from {{ ref('stg_treatment_technologies') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        technology_code,
        pollutant_code,
        name,
        name_zh,
        removal_efficiency,
        running_rate,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
