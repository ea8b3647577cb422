with

standard_rows as (
    select * from {{ ref('stg_metrics') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        metric_code,
        name,
        name_zh,
        description,
        numerator_source,
        numerator_code,
        numerator_measure,
        denominator_source,
        denominator_code,
        denominator_measure,
        scale,
        unit,
        direction,
        elec_basis,
        stage,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
