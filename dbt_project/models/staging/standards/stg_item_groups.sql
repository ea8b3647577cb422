with rows_of_both as (
    {{ standard_rows('item_groups', [
        'item_group', 'item_code', 'position', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        item_group,
        item_code,
        cast(position as integer) as position,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
