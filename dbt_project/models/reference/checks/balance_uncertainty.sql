with

standard_rows as (
    select * from {{ ref('stg_balance_uncertainties') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        source,
        item_kind,
        item_code,
        state,
        relative_uncertainty,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
