with

standard_rows as (
    select * from {{ ref('stg_balance_criteria') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        balance_kind,
        component,
        component_class,
        unit,
        closure_limit,
        min_coverage,
        min_hours,
        min_batches,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
