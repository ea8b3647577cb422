with

standard_rows as (
    select * from {{ ref('stg_energy_quotas') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        quota_id,
        standard_id,
        product_kind,
        process_code,
        metric_code,
        level,
        value,
        unit,
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
