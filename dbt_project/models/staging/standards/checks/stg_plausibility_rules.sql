with rows_of_both as (
    {{ standard_rows('plausibility_rules', [
        'rule_id', 'source_rules', 'compares', 'parameter_code', 'other_parameter_code', 'operator', 'threshold',
        'threshold_unit', 'extent', 'extent_unit', 'guard', 'guard_unit', 'evidence_strength', 'name', 'name_zh',
        'finding', 'innocent', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        source_rules,
        compares,
        parameter_code,
        other_parameter_code,
        operator,
        cast(threshold as double) as threshold,
        threshold_unit,
        cast(extent as double) as extent,
        extent_unit,
        cast(guard as double) as guard,
        guard_unit,
        evidence_strength,
        name,
        name_zh,
        finding,
        innocent,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
