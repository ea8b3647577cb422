with

standard_rows as (
    select * from {{ ref('stg_index_indicators') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        index_system_id,
        indicator_id,
        group_id,
        position,
        name,
        name_zh,
        kind,
        metric_code,
        stage,
        product_kind,
        unit,
        direction,
        weight,
        weight_text,
        weight_rule,
        set_id,
        is_limiting,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
