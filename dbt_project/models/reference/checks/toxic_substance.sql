with

standard_rows as (
    select * from {{ ref('stg_toxic_substances') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        match_kind,
        match_code,
        list_class,
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
