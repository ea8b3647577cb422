with

standard_rows as (
    select * from {{ ref('stg_risk_thresholds') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        set_id,
        measure,
        class_code,
        lower_bound,
        upper_bound,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
