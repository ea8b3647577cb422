with

standard_rows as (
    select * from {{ ref('stg_standing_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        position,
        kind,
        benefit,
        name,
        name_zh,
        condition,
        light,
        reason_code,
        validity_months,
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
