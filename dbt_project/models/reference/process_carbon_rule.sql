with

standard_rows as (
    select * from {{ ref('stg_process_carbon_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        sector_code,
        activity,
        subject_code,
        unit,
        co2_t_per_unit,
        derivation,
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
