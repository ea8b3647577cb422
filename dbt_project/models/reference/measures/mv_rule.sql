with

standard_rows as (
    select * from {{ ref('stg_mv_rule_sets') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        rule_set,
        purpose,
        statistic,
        operator,
        value,
        confidence,
        resolution,
        post_months_from,
        post_months_to,
        decides,
        description,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
