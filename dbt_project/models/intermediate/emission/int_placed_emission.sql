{#-
    What the audit selects beside the days of the emission marts (estimates, declarations, rate times heat input), with where it
    goes.
-#}
with

selected as (
    select
        *,
        period_type as grain
    from {{ ref('emission_method') }}
    where selected_for_audit and method_code not in {{ methods_of_days() }}
),

methods as (
    {{ own_before_shipped('stg_emission_methods', ['method_code', 'state'], 'method_code') }}
),

placed as (
    {{ placed_figures('selected') }}
),

final as (
    select
        placed.grain,
        placed.period_start,
        placed.enterprise_id,
        placed.outlet_id,
        placed.outlet_kind,
        placed.medium,
        placed.pollutant_code,
        placed.method_code,
        placed.audit_kg as mass_kg,
        placed.days_covered,
        placed.discharge_kind,
        placed.receiving_enterprise_id,
        {{ counts_in_total('enterprise') }} as counts_in_enterprise_total,
        {{ counts_in_total('park') }} as counts_in_park_total,
        case when placed.audit_kg is null then 'missing' else methods.state end as state
    from placed
    left join methods
        on placed.method_code = methods.method_code and {{ holds_on('methods', 'placed.period_start') }}
)

select * from final
