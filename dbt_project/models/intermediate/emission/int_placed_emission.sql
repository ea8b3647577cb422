{#-
    What the audit selects beside the days of the emission marts (estimates, declarations, rate times heat input), with where it
    goes: a declaration of a whole enterprise goes where its outlets go, to the environment as soon as one does.
-#}
with

selected as (
    select * from {{ ref('emission_method') }}
    where selected_for_audit and method_code not in {{ methods_of_days() }}
),

methods as (
    {{ own_before_shipped('stg_emission_methods', ['method_code', 'state'], 'method_code') }}
),

outlets as (
    select * from {{ ref('int_outlets') }}
),

memberships as (
    select * from {{ ref('int_memberships') }}
),

water_ways as (
    select
        selected.period_type,
        selected.period_start,
        selected.enterprise_id,
        min(case outlets.discharge_kind
            when 'direct' then '1direct'
            when 'indirect' then '2indirect'
            else '3to_other_enterprise'
        end) as way,
        min(outlets.receiving_enterprise_id) as receiving_enterprise_id
    from selected
    inner join outlets
        on selected.enterprise_id = outlets.enterprise_id
            and outlets.medium = 'water'
            and outlets.kind <> 'workshop'
            and {{ holds_on('outlets', 'selected.period_start') }}
    group by selected.period_type, selected.period_start, selected.enterprise_id
),

placed as (
    select
        selected.*,
        methods.state as method_state,
        outlets.kind as outlet_kind,
        case
            when selected.outlet_id is not null then outlets.discharge_kind
            when selected.medium = 'water' then coalesce(substr(water_ways.way, 2), 'direct')
            else 'direct'
        end as discharge_kind,
        case
            when selected.outlet_id is not null then outlets.receiving_enterprise_id
            when selected.medium = 'water' and substr(water_ways.way, 2) <> 'direct' then water_ways.receiving_enterprise_id
        end as receiving_enterprise_id,
        memberships.enterprise_id is not null as is_member
    from selected
    left join methods
        on selected.method_code = methods.method_code and {{ holds_on('methods', 'selected.period_start') }}
    left join outlets
        on selected.outlet_id = outlets.outlet_id and {{ holds_on('outlets', 'selected.period_start') }}
    left join water_ways
        on selected.period_type = water_ways.period_type
            and selected.period_start = water_ways.period_start
            and selected.enterprise_id = water_ways.enterprise_id
    left join memberships
        on selected.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'selected.period_start') }}
),

final as (
    select
        period_type as grain,
        period_start,
        enterprise_id,
        outlet_id,
        outlet_kind,
        medium,
        pollutant_code,
        method_code,
        audit_kg as mass_kg,
        days_covered,
        discharge_kind,
        receiving_enterprise_id,
        coalesce(outlet_kind, '') <> 'workshop' as counts_in_enterprise_total,
        coalesce(outlet_kind, '') <> 'workshop' and discharge_kind = 'direct' and is_member as counts_in_park_total,
        case when audit_kg is null then 'missing' else method_state end as state
    from placed
)

select * from final
