{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

outlet_days as (
    select * from {{ ref('int_outlet_emission_daily') }}
    where {{ on_touched_dates('enterprise') }}
),

outlets as (
    select * from {{ ref('int_outlets') }}
),

allocations as (
    select * from {{ ref('int_allocations') }}
    where source_kind = 'outlet'
),

memberships as (
    select * from {{ ref('int_memberships') }}
),

-- a shared outlet's day falls to those that share it, and is estimated then
shares as (
    select
        outlet_days.*,
        outlets.kind as outlet_kind,
        outlets.discharge_kind,
        outlets.receiving_enterprise_id,
        coalesce(allocations.enterprise_id, outlet_days.enterprise_id) as bearer_id,
        coalesce(allocations.share, 1) as share,
        allocations.source_id is not null as is_allocated
    from outlet_days
    inner join outlets
        on outlet_days.outlet_id = outlets.outlet_id and {{ holds_on('outlets', 'outlet_days.local_date') }}
    left join allocations
        on outlet_days.outlet_id = allocations.source_id and {{ holds_on('allocations', 'outlet_days.local_date') }}
),

borne as (
    select
        bearer_id as enterprise_id,
        outlet_id,
        outlet_kind,
        medium,
        pollutant_code,
        local_date,
        mass_kg * share as mass_kg,
        {%- for state in ['measured', 'substituted', 'self_reported'] %}
        case when mass_kg is null then null when is_allocated then 0 else {{ state }}_kg end as {{ state }}_kg,
        {%- endfor %}
        case when mass_kg is null then null when is_allocated then mass_kg * share else estimated_kg end as estimated_kg,
        nd_mass_kg * share as nd_mass_kg,
        nd_share,
        flow_m3 * share as flow_m3,
        concentration_mean,
        concentration_corrected_mean,
        concentration_unit,
        concentration_weight,
        corrected_hours,
        operating_hours,
        valid_hours,
        stopped_hours,
        covered_hours,
        day_hours,
        is_valid,
        validity_rule_id,
        method_code,
        share as allocated_share,
        is_allocated,
        discharge_kind,
        receiving_enterprise_id
    from shares
),

touched as (
    select * from borne
    where {{ touched_filter('enterprise') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        touched.enterprise_id,
        touched.outlet_id,
        touched.outlet_kind,
        touched.medium,
        touched.pollutant_code,
        touched.local_date,
        touched.mass_kg,
        touched.measured_kg,
        touched.substituted_kg,
        touched.estimated_kg,
        touched.self_reported_kg,
        touched.nd_mass_kg,
        touched.nd_share,
        touched.flow_m3,
        touched.concentration_mean,
        touched.concentration_corrected_mean,
        touched.concentration_unit,
        touched.concentration_weight,
        cast(touched.corrected_hours as double) as corrected_hours,
        touched.operating_hours,
        touched.valid_hours,
        touched.stopped_hours,
        touched.day_hours - touched.covered_hours as missing_hours,
        touched.covered_hours,
        least(touched.covered_hours / touched.day_hours, 1) as completeness_share,
        {{ emission_measured_share('touched.') }} as measured_share,
        touched.is_valid,
        touched.validity_rule_id,
        touched.method_code,
        touched.allocated_share,
        touched.discharge_kind,
        touched.receiving_enterprise_id,
        {{ counts_in_total('enterprise', 'touched.') }} as counts_in_enterprise_total,
        {{ counts_in_total('park', 'touched.', 'memberships.enterprise_id is not null') }} as counts_in_park_total,
        case
            when touched.mass_kg is null then 'missing'
            when touched.is_allocated then 'estimated'
            when touched.stopped_hours > 0 and touched.valid_hours = 0 then 'stopped'
            else {{ emission_state('touched.') }}
        end as state
    from touched
    left join memberships
        on touched.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'touched.local_date') }}
)

select * from final
