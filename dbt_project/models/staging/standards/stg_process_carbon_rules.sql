with rows_of_both as (
    {{ standard_rows('process_carbon_rules', [
        'rule_id', 'sector_code', 'activity', 'subject_code', 'unit', 'co2_t_per_unit', 'derivation', 'note', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        sector_code,
        activity,
        subject_code,
        unit,
        cast(co2_t_per_unit as double) as co2_t_per_unit,
        derivation,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
