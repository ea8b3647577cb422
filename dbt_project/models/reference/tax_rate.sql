with

standard_rows as (
    select * from {{ ref('stg_tax_rates') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        region,
        tax_kind,
        subject_code,
        rate_cny,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
