with rows_of_both as (
    {{ standard_rows('audit_phases', [
        'step_code', 'position', 'phase', 'phase_zh', 'name', 'name_zh', 'predecessors', 'applies_to', 'due_anchor', 'due_months',
        'milestone', 'responsible_role', 'evidence', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        step_code,
        cast(position as integer) as position,
        phase,
        phase_zh,
        name,
        name_zh,
        predecessors,
        applies_to,
        due_anchor,
        cast(due_months as integer) as due_months,
        milestone,
        responsible_role,
        evidence,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
