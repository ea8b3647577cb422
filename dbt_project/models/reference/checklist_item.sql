with

standard_rows as (
    select * from {{ ref('stg_checklist_items') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        checklist_id,
        item_id,
        position,
        area,
        name,
        name_zh,
        unit,
        requirement,
        choice_group,
        formula,
        numerator,
        denominator,
        scale,
        years,
        price_basis,
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
