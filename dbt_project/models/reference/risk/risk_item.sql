with

standard_rows as (
    select * from {{ ref('stg_risk_items') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        item_id,
        medium,
        part,
        option,
        event_kind,
        points,
        is_per_unit,
        name,
        name_zh,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
