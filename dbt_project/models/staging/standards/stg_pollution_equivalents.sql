with rows_of_both as (
    {{ standard_rows('pollution_equivalents', [
        'pollutant_code', 'medium', 'equivalent_class', 'name_zh', 'equivalent_kg', 'exclusive_group', 'valid_from', 'valid_to',
        'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        pollutant_code,
        medium,
        equivalent_class,
        name_zh,
        cast(equivalent_kg as double) as equivalent_kg,
        exclusive_group,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
