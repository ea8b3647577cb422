with rows_of_both as (
    {{ standard_rows('focus_weights', [
        'weight_set', 'name', 'name_zh', 'factor_code', 'weight', 'weight_low', 'weight_high', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        weight_set,
        name,
        name_zh,
        factor_code,
        cast(weight as double) as weight,
        cast(weight_low as double) as weight_low,
        cast(weight_high as double) as weight_high,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
