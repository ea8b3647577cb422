with rows_of_both as (
    {{ standard_rows('metrics', [
        'metric_code', 'name', 'name_zh', 'description', 'numerator_source', 'numerator_code', 'numerator_measure', 'denominator_source',
        'denominator_code', 'denominator_measure', 'scale', 'unit', 'direction', 'elec_basis', 'stage', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
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
        cast(scale as double) as scale,
        unit,
        direction,
        elec_basis,
        stage,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
