with

standard_rows as (
    select * from {{ ref('stg_nd_policies') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        purpose,
        parameter_code,
        share_of_limit,
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
