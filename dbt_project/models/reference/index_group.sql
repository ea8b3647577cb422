with

standard_rows as (
    select * from {{ ref('stg_index_groups') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        index_system_id,
        group_id,
        position,
        name,
        name_zh,
        weight,
        weight_text,
        is_bonus,
        group_na_policy,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
