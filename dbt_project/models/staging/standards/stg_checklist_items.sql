with rows_of_both as (
    {{ standard_rows('checklist_items', [
        'checklist_id', 'item_id', 'position', 'area', 'name', 'name_zh', 'unit', 'requirement', 'choice_group', 'formula', 'numerator',
        'denominator', 'scale', 'years', 'price_basis', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        checklist_id,
        item_id,
        cast(position as integer) as position,
        area,
        name,
        name_zh,
        unit,
        requirement,
        choice_group,
        formula,
        numerator,
        denominator,
        cast(scale as double) as scale,
        cast(years as integer) as years,
        price_basis,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
