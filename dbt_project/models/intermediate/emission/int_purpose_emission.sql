{#-
    Discharge of months and years as a purpose other than the audit counts it: by the method that the purpose selects (emission_method), with
    non-detects by the purpose's own policy where days of monitoring speak. A month whose outlet changed its kind of discharge is
    divided as its days were.
-#}
{%- set key = ['grain', 'period_start', 'enterprise_id', 'outlet_id', 'medium', 'pollutant_code'] %}
with

discharges as (
    {%- for grain in ['month', 'year'] %}
    select
        '{{ grain }}' as grain,
        {{ longer_periods()[grain].column }} as period_start,
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        discharge_kind,
        counts_in_enterprise_total,
        mass_kg,
        nd_mass_kg,
        concentration_mean,
        concentration_corrected_mean,
        covered_hours,
        missing_hours
    from {{ ref('enterprise_emission_' ~ longer_periods()[grain].suffix) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

shares as (
    select
        *,
        coalesce(
            mass_kg / nullif(sum(mass_kg) over (partition by {{ key | join(', ') }}), 0),
            cast(1 as double) / count(*) over (partition by {{ key | join(', ') }})
        ) as share
    from discharges
),

methods as (
    {{ own_before_shipped('stg_emission_methods', ['method_code', 'state'], 'method_code') }}
),

counted as (
    {%- for purpose in ['permit', 'tax'] %}
    select
        '{{ purpose }}' as purpose,
        emission_method.period_type as grain,
        emission_method.period_start,
        emission_method.enterprise_id,
        emission_method.outlet_id,
        emission_method.medium,
        emission_method.pollutant_code,
        sum(emission_method.{{ purpose }}_kg) as method_kg,
        sum(emission_method.{{ purpose }}_kg * coalesce(emission_method.measured_share, 0)) as method_measured_kg,
        min(case when emission_method.method_code in {{ methods_of_days() }} then 1 else 0 end) as is_of_days,
        {{ weakest_state("case when emission_method.measured_share < 1 and methods.state = 'measured' then 'substituted' else methods.state end") }} as state
    from {{ ref('emission_method') }} as emission_method
    left join methods
        on emission_method.method_code = methods.method_code and {{ holds_on('methods', 'emission_method.period_start') }}
    where emission_method.{{ purpose }}_kg is not null
    group by
        emission_method.period_type, emission_method.period_start, emission_method.enterprise_id, emission_method.outlet_id,
        emission_method.medium, emission_method.pollutant_code
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

policies as (
    select * from {{ ref('int_nd_policies') }}
),

purposes as (
    select 'permit' as purpose
    union all
    select 'tax' as purpose
),

joined as (
    select
        purposes.purpose,
        shares.*,
        counted.method_kg * shares.share as method_kg,
        counted.method_measured_kg * shares.share as measured_kg,
        case when counted.is_of_days = 1 then shares.nd_mass_kg else 0 end as nd_kg,
        coalesce(own.share_of_limit, of_all.share_of_limit) as share_of_limit,
        coalesce(audit_own.share_of_limit, audit_of_all.share_of_limit) as audit_share_of_limit,
        coalesce(counted.state, 'missing') as state
    from shares
    cross join purposes
    left join counted
        on purposes.purpose = counted.purpose
            and shares.outlet_id is not distinct from counted.outlet_id
            and {{ equal_columns('shares', 'counted', key | reject('equalto', 'outlet_id') | list) }}
    left join policies as own
        on purposes.purpose = own.purpose
            and shares.pollutant_code = own.parameter_code
            and {{ holds_on('own', 'shares.period_start') }}
    left join policies as of_all
        on purposes.purpose = of_all.purpose
            and of_all.parameter_code = '-'
            and {{ holds_on('of_all', 'shares.period_start') }}
    left join policies as audit_own
        on audit_own.purpose = 'audit'
            and shares.pollutant_code = audit_own.parameter_code
            and {{ holds_on('audit_own', 'shares.period_start') }}
    left join policies as audit_of_all
        on audit_of_all.purpose = 'audit'
            and audit_of_all.parameter_code = '-'
            and {{ holds_on('audit_of_all', 'shares.period_start') }}
),

final as (
    select
        purpose,
        {{ key | join(', ') }},
        discharge_kind,
        counts_in_enterprise_total,
        method_kg + coalesce(nd_kg * (share_of_limit - audit_share_of_limit), 0) as mass_kg,
        measured_kg,
        concentration_mean,
        concentration_corrected_mean,
        covered_hours,
        missing_hours,
        state
    from joined
)

select * from final
