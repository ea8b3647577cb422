with

standard_rows as (
    select * from {{ ref('stg_checklist_choice_groups') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        checklist_id,
        choice_group,
        minimum,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
