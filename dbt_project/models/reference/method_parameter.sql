with

standard_rows as (
    select * from {{ ref('stg_method_parameters') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        method,
        parameter,
        scope,
        value,
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
