with rows_of_both as (
    {{ standard_rows('validity_rules', [
        'rule_id', 'rule_set', 'medium', 'hour_minutes', 'day_hours', 'operating_share', 'month_days', 'february_days',
        'oxygen_ceiling_percent', 'mark_minutes', 'note', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        rule_set,
        medium,
        cast(hour_minutes as double) as hour_minutes,
        cast(day_hours as double) as day_hours,
        cast(operating_share as double) as operating_share,
        cast(month_days as double) as month_days,
        cast(february_days as double) as february_days,
        cast(oxygen_ceiling_percent as double) as oxygen_ceiling_percent,
        cast(mark_minutes as double) as mark_minutes,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
