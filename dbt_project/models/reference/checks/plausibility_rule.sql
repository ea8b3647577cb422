with

standard_rows as (
    select * from {{ ref('stg_plausibility_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        source_rules,
        compares,
        parameter_code,
        other_parameter_code,
        operator,
        threshold,
        threshold_unit,
        extent,
        extent_unit,
        guard,
        guard_unit,
        evidence_strength,
        name,
        name_zh,
        finding,
        innocent,
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
