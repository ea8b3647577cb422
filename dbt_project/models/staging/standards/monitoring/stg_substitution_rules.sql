with rows_of_both as (
    {{ standard_rows('substitution_rules', [
        'rule_id', 'rule_set', 'medium', 'parameter_codes', 'unit', 'period_kind', 'capture_from', 'capture_below', 'gap_above',
        'gap_up_to', 'window_periods', 'anchor', 'statistic', 'valid_share', 'note', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        rule_set,
        medium,
        parameter_codes,
        unit,
        period_kind,
        cast(capture_from as double) as capture_from,
        cast(capture_below as double) as capture_below,
        cast(gap_above as double) as gap_above,
        cast(gap_up_to as double) as gap_up_to,
        cast(window_periods as double) as window_periods,
        anchor,
        statistic,
        cast(valid_share as double) as valid_share,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
