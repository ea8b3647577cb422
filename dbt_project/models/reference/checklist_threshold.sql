with

standard_rows as (
    select * from {{ ref('stg_checklist_thresholds') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        checklist_id,
        item_id,
        position,
        condition,
        operator,
        value,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
