with

standard_rows as (
    select * from {{ ref('stg_substitution_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        rule_set,
        medium,
        parameter_codes,
        unit,
        period_kind,
        capture_from,
        capture_below,
        gap_above,
        gap_up_to,
        window_periods,
        anchor,
        statistic,
        valid_share,
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
