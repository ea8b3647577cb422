with rows_of_both as (
    {{ standard_rows('risk_thresholds', [
        'set_id', 'measure', 'class_code', 'lower_bound', 'upper_bound', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        set_id,
        measure,
        class_code,
        cast(lower_bound as double) as lower_bound,
        cast(upper_bound as double) as upper_bound,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
