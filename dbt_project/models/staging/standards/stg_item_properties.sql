with rows_of_both as (
    {{ standard_rows('item_properties', [
        'parameter_code', 'item_code', 'property', 'unit', 'gj_scale', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        parameter_code,
        item_code,
        property,
        unit,
        cast(gj_scale as double) as gj_scale,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
