with rows_of_both as (
    {{ standard_rows('equipment_lives', [
        'equipment_code', 'design_life_years', 'drift_limit_share', 'name', 'name_zh', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        equipment_code,
        cast(design_life_years as double) as design_life_years,
        cast(drift_limit_share as double) as drift_limit_share,
        name,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
