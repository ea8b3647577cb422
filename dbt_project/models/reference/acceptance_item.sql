with

standard_rows as (
    select * from {{ ref('stg_acceptance_items') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        scheme_id,
        stage,
        item_id,
        position,
        name,
        name_zh,
        kind,
        points,
        computed_by,
        facts_window,
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
