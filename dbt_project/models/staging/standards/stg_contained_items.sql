with rows_of_both as (
    {{ standard_rows('contained_items', [
        'item_code', 'contained_in', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        item_code,
        contained_in,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
