with

standard_rows as (
    select * from {{ ref('stg_reconciliation_classes') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        direction,
        class_code,
        deviation_from,
        deviation_to,
        weight,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
