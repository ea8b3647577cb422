with rows_of_both as (
    {{ standard_rows('checklist_choice_groups', [
        'checklist_id', 'choice_group', 'minimum', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        checklist_id,
        choice_group,
        cast(minimum as integer) as minimum,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
