with rows_of_both as (
    {{ standard_rows('risk_items', [
        'item_id', 'medium', 'part', 'option', 'event_kind', 'points', 'is_per_unit', 'name', 'name_zh',
        'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        item_id,
        medium,
        part,
        option,
        event_kind,
        cast(points as double) as points,
        cast(is_per_unit as boolean) as is_per_unit,
        name,
        name_zh,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
