with rows_of_both as (
    {{ standard_rows('drainage_baselines', [
        'standard_id', 'product_kind', 'drainage_m3_per_unit', 'product_unit', 'condition', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        standard_id,
        product_kind,
        cast(drainage_m3_per_unit as double) as drainage_m3_per_unit,
        product_unit,
        condition,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
