with rows_of_both as (
    {{ standard_rows('emission_rates', [
        'parameter_code', 'pollutant_code', 'medium', 'activity_parameter', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        parameter_code,
        pollutant_code,
        medium,
        activity_parameter,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
