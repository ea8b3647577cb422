with rows_of_both as (
    {{ standard_rows('steam_terms', [
        'part', 'term_no', 'pressure_power', 'temperature_power', 'coefficient', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        part,
        cast(term_no as integer) as term_no,
        cast(pressure_power as integer) as pressure_power,
        cast(temperature_power as integer) as temperature_power,
        cast(coefficient as double) as coefficient,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
