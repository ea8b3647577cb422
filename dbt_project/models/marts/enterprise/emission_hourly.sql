{#- What was measured of an hour (int_emission_hourly), and the mass that a rule puts in the place of what was not (int_substitutions). -#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'date_windows': true}},
) }}

with

measured as (
    select * from {{ ref('int_emission_hourly') }}
    where {{ touched_filter('enterprise') }}
),

outlets as (
    select * from {{ ref('int_outlets') }}
),

substitutions as (
    select * from {{ ref('int_substitutions') }}
    where is_gap and unit = 'hour' and state = 'substituted' and {{ on_touched_dates('enterprise') }}
),

owned as (
    select
        substitutions.*,
        outlets.enterprise_id
    from substitutions
    inner join outlets
        on substitutions.outlet_id = outlets.outlet_id and {{ holds_on('outlets', 'substitutions.local_date') }}
),

substituted as (
    select * from owned
    where {{ touched_filter('enterprise') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        coalesce(measured.enterprise_id, substituted.enterprise_id) as enterprise_id,
        coalesce(measured.outlet_id, substituted.outlet_id) as outlet_id,
        coalesce(measured.medium, substituted.medium) as medium,
        coalesce(measured.pollutant_code, substituted.pollutant_code) as pollutant_code,
        coalesce(measured.hour_start_utc, substituted.hour_start_utc) as hour_start_utc,
        coalesce(measured.local_date, substituted.local_date) as local_date,
        coalesce(measured.operating_state, 'unknown') as operating_state,
        case when substituted.value_kg is not null then 'substituted' else measured.state end as state,
        coalesce(measured.validity_basis, 'nothing_sent') as validity_basis,
        case when substituted.value_kg is not null then 'substitution' else measured.method_code end as method_code,
        coalesce(substituted.value_kg, measured.mass_kg) as mass_kg,
        coalesce(substituted.value_kg, measured.substituted_kg) as substituted_kg,
        case when substituted.value_kg is not null then 0 else measured.nd_mass_kg end as nd_mass_kg,
        measured.concentration_flow_kg,
        measured.reported_kg,
        measured.mass_difference,
        measured.concentration,
        measured.concentration_corrected,
        measured.corrected_difference,
        measured.concentration_unit,
        measured.flow_m3,
        measured.concentration_reported,
        measured.concentration_basis,
        measured.conversion_id,
        measured.concentration_standard,
        measured.concentration_corrected_reported,
        measured.flow_reported_m3,
        measured.flow_basis,
        measured.oxygen_percent,
        measured.reference_oxygen_percent,
        measured.excess_air,
        measured.temperature_degc,
        measured.absolute_pressure_kpa,
        measured.humidity_percent,
        measured.nd_share,
        coalesce(measured.readings, 0) as readings,
        coalesce(measured.valid_periods, 0) as valid_periods,
        coalesce(substituted.rule_id, measured.rule_id) as rule_id,
        substituted.rule_id is not null as is_substituted_by_rule,
        measured.validity_rule_id,
        measured.mark_code,
        measured.mark_source,
        coalesce(measured.is_excluded_by_mark, false) as is_excluded_by_mark
    from measured
    full outer join substituted
        on measured.enterprise_id = substituted.enterprise_id
            and measured.outlet_id = substituted.outlet_id
            and measured.pollutant_code = substituted.pollutant_code
            and measured.hour_start_utc = substituted.hour_start_utc
            and measured.local_date = substituted.local_date
)

select * from final
