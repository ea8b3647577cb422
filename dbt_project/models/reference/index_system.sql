with

standard_rows as (
    select * from {{ ref('stg_index_systems') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        index_system_id,
        name,
        name_zh,
        sector,
        generation,
        completeness,
        pass_mark,
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
