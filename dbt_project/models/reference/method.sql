with

standard_rows as (
    select * from {{ ref('stg_emission_methods') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        method_code,
        name,
        name_zh,
        family,
        state,
        relative_uncertainty,
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
