with rows_of_both as (
    {{ standard_rows('acceptance_items', [
        'scheme_id', 'stage', 'item_id', 'position', 'name', 'name_zh', 'kind', 'points', 'computed_by', 'facts_window', 'note',
        'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        scheme_id,
        stage,
        item_id,
        cast(position as integer) as position,
        name,
        name_zh,
        kind,
        cast(points as double) as points,
        computed_by,
        facts_window,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
