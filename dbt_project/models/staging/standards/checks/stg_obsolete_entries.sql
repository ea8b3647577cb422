with rows_of_both as (
    {{ standard_rows('obsolete_entries', [
        'list_id', 'list_name_zh', 'entry_id', 'category', 'asset_kind', 'match_field', 'match_pattern',
        'capacity_max', 'is_max_included', 'capacity_unit', 'deadline', 'name', 'name_zh', 'note',
        'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        list_id,
        list_name_zh,
        entry_id,
        category,
        asset_kind,
        match_field,
        match_pattern,
        cast(capacity_max as double) as capacity_max,
        cast(is_max_included as boolean) as is_max_included,
        capacity_unit,
        cast(deadline as date) as deadline,
        name,
        name_zh,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
