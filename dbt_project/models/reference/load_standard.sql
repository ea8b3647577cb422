with

standard_rows as (
    select * from {{ ref('stg_load_standards') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        load_standard_set,
        name,
        name_zh,
        medium,
        priority,
        standard_id,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
