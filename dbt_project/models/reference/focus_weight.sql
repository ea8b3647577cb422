with

standard_rows as (
    select * from {{ ref('stg_focus_weights') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        weight_set,
        name,
        name_zh,
        factor_code,
        weight,
        weight_low,
        weight_high,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
