with

standard_rows as (
    select * from {{ ref('stg_limits') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        limit_id,
        standard_id,
        standard_name_zh,
        region,
        medium,
        parameter_code,
        limit_kind,
        reference_o2,
        reference_excess_air,
        limit_value,
        unit,
        condition,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
