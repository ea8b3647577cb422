with rows_of_both as (
    {{ standard_rows('checklists', [
        'checklist_id', 'name', 'name_zh', 'region', 'is_default', 'pass_rule', 'note', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        checklist_id,
        name,
        name_zh,
        region,
        cast(is_default as boolean) as is_default,
        pass_rule,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
