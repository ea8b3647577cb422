with rows_of_both as (
    {{ standard_rows('checklist_thresholds', [
        'checklist_id', 'item_id', 'position', 'condition', 'operator', 'value', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        checklist_id,
        item_id,
        cast(position as integer) as position,
        condition,
        operator,
        value,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
