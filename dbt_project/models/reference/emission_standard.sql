with

standard_rows as (
    select * from {{ ref('stg_emission_standards') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        standard_id,
        layer,
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
