with

standard_rows as (
    select * from {{ ref('stg_audit_phases') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        step_code,
        position,
        phase,
        phase_zh,
        name,
        name_zh,
        predecessors,
        applies_to,
        due_anchor,
        due_months,
        milestone,
        responsible_role,
        evidence,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
