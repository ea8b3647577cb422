with rows_of_both as (
    {{ standard_rows('standing_rules', [
        'rule_id', 'position', 'kind', 'benefit', 'name', 'name_zh', 'condition', 'light', 'reason_code', 'validity_months', 'note',
        'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        cast(position as integer) as position,
        kind,
        benefit,
        name,
        name_zh,
        condition,
        light,
        reason_code,
        cast(validity_months as integer) as validity_months,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
