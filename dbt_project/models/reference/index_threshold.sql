with

standard_rows as (
    select * from {{ ref('stg_index_thresholds') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        index_system_id,
        indicator_id,
        grade,
        semantics,
        operator,
        value,
        value_to,
        text,
        text_zh,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
