with

standard_rows as (
    select * from {{ ref('stg_checklists') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        checklist_id,
        name,
        name_zh,
        region,
        is_default,
        pass_rule,
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
