with

standard_rows as (
    select * from {{ ref('stg_obsolete_entries') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        list_id,
        list_name_zh,
        entry_id,
        category,
        asset_kind,
        match_field,
        match_pattern,
        capacity_max,
        is_max_included,
        capacity_unit,
        deadline,
        name,
        name_zh,
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
