{#-
    Every figure of a discharge at a longer period, method by method, with what decides whether it counts: how much of the operating
    time was captured, and why a method has no figure. What is estimated or declared for an enterprise stands at its outlet where it has
    one only. What the days of the emission marts hold of it is beside it (days_kg): days choose among monitors for themselves.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}
{%- set key = ['enterprise_id', 'outlet_id', 'medium', 'pollutant_code'] %}

with

outlets as (
    select * from {{ ref('int_outlets') }}
),

allocations as (
    select * from {{ ref('int_allocations') }}
    where source_kind = 'outlet'
),

method_days as (
    select
        coalesce(allocations.enterprise_id, days.enterprise_id) as enterprise_id,
        days.outlet_id,
        days.medium,
        days.pollutant_code,
        days.local_date,
        days.method_code,
        days.mass_kg * coalesce(allocations.share, 1) as mass_kg,
        case when allocations.source_id is null then days.measured_kg else 0 end as measured_kg,
        days.known_hours,
        days.sampled_flow_m3
    from {{ ref('int_outlet_methods_daily') }} as days
    left join allocations
        on days.outlet_id = allocations.source_id and {{ holds_on('allocations', 'days.local_date') }}
    where {{ on_touched_dates('enterprise', 'days.local_date', relation=relation) }}
),

touched_method_days as (
    select
        *,
        cast(date_trunc('year', local_date) as date) as year_start_date
    from method_days
    where {{ touched_filter('enterprise', relation=relation) }}
),

-- whose monitor sends masses alone: what rules put in the place of its whole days are such masses too
mass_monitors as (
    select
        {{ key | join(', ') }},
        year_start_date
    from touched_method_days
    group by {{ key | join(', ') }}, year_start_date
    having max(case when method_code = 'automatic' then known_hours else 0 end) = 0
        and max(case when method_code = 'reported_mass' then known_hours else 0 end) > 0
),

touched_days as (
    select
        {%- for column in key + ['local_date', 'mass_kg', 'measured_kg', 'known_hours', 'sampled_flow_m3'] %}
        days.{{ column }},
        {%- endfor %}
        case
            when days.method_code = 'automatic' and days.mass_kg > 0 and mass_monitors.outlet_id is not null then 'reported_mass'
            else days.method_code
        end as method_code
    from touched_method_days as days
    left join mass_monitors
        on {{ equal_columns('days', 'mass_monitors', key + ['year_start_date']) }}
),

mart_days as (
    select * from {{ ref('enterprise_emission_daily') }}
    where {{ touched_filter('enterprise', relation=relation) }}
),

-- which of the methods spoke for a day
spoken_days as (
    select
        days.enterprise_id,
        days.outlet_id,
        days.medium,
        days.pollutant_code,
        days.local_date,
        days.mass_kg,
        days.measured_kg,
        days.counts_in_enterprise_total,
        days.counts_in_park_total,
        case
            when days.method_code = 'reported_mass' then 'reported_mass'
            -- substituted masses are the monitor's: its rules made them
            when days.method_code in ('concentration_flow', 'substitution')
                then case when mass_monitors.outlet_id is null then 'automatic' else 'reported_mass' end
            when monitors.outlet_id is not null then 'automatic'
            else 'manual'
        end as method_code
    from mart_days as days
    left join touched_days as monitors
        on days.enterprise_id = monitors.enterprise_id
            and days.outlet_id = monitors.outlet_id
            and days.pollutant_code = monitors.pollutant_code
            and days.local_date = monitors.local_date
            and monitors.method_code = 'automatic'
    left join mass_monitors
        on {{ equal_columns('days', 'mass_monitors', key) }}
            and date_trunc('year', days.local_date) = mass_monitors.year_start_date
    where days.mass_kg is not null
),

-- hours owed in each quarter by whoever was monitored in the year
spans as (
    select
        enterprise_id,
        cast(date_trunc('year', local_date) as date) as year_start_date,
        min(local_date) as first_date,
        max(local_date) as last_date
    from mart_days
    group by enterprise_id, cast(date_trunc('year', local_date) as date)
),

quarter_numbers as (
    {%- for number in range(4) %}
    select {{ number }} as n
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

owed as (
    select
        enterprise_id,
        year_start_date,
        cast(year_start_date + interval 3 month * n as date) as quarter_start_date,
        first_date,
        last_date
    from spans
    cross join quarter_numbers
),

owed_hours as (
    select
        enterprise_id,
        year_start_date,
        quarter_start_date,
        24 * greatest({{ days_between(
            'greatest(first_date, quarter_start_date)',
            'least(' ~ days_after('last_date', 1) ~ ', ' ~ period_end('quarter_start_date', 'quarter') ~ ')',
        ) }}, 0) as hours
    from owed
),

quarter_hours as (
    select
        {{ key | join(', ') }},
        method_code,
        {{ period_start('local_date', 'quarter') }} as quarter_start_date,
        sum(known_hours) as known_hours
    from touched_days
    group by {{ key | join(', ') }}, method_code, {{ period_start('local_date', 'quarter') }}
),

quarter_stops as (
    select
        {{ key | join(', ') }},
        {{ period_start('local_date', 'quarter') }} as quarter_start_date,
        sum(stopped_hours) as stopped_hours
    from mart_days
    group by {{ key | join(', ') }}, {{ period_start('local_date', 'quarter') }}
),

methods_of_years as (
    select distinct
        {{ key | join(', ') }},
        method_code,
        cast(date_trunc('year', quarter_start_date) as date) as year_start_date
    from quarter_hours
),

captures as (
    select
        methods_of_years.enterprise_id,
        methods_of_years.outlet_id,
        methods_of_years.medium,
        methods_of_years.pollutant_code,
        methods_of_years.method_code,
        methods_of_years.year_start_date,
        owed_hours.quarter_start_date,
        {{ capture_share('coalesce(quarter_hours.known_hours, 0)', 'owed_hours.hours', 'coalesce(quarter_stops.stopped_hours, 0)') }} as capture
    from methods_of_years
    inner join owed_hours
        on methods_of_years.enterprise_id = owed_hours.enterprise_id
            and methods_of_years.year_start_date = owed_hours.year_start_date
    left join quarter_hours
        on {{ equal_columns('methods_of_years', 'quarter_hours', key + ['method_code']) }}
            and owed_hours.quarter_start_date = quarter_hours.quarter_start_date
    left join quarter_stops
        on {{ equal_columns('methods_of_years', 'quarter_stops', key) }}
            and owed_hours.quarter_start_date = quarter_stops.quarter_start_date
),

capture_of_years as (
    select
        {{ key | join(', ') }},
        method_code,
        year_start_date,
        min(capture) as capture
    from captures
    group by {{ key | join(', ') }}, method_code, year_start_date
),

flows as (
    select
        flows.outlet_id,
        flows.local_date,
        flows.flow_m3
    from {{ ref('int_outlet_flow_daily') }} as flows
    where {{ on_touched_dates('enterprise', 'flows.local_date', relation=relation) }}
),

{%- for grain in longer_periods() %}

flow_{{ grain }} as (
    select
        outlet_id,
        {{ period_start('local_date', grain) }} as period_start,
        sum(flow_m3) as flow_m3
    from flows
    group by outlet_id, {{ period_start('local_date', grain) }}
),

summed_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ period_start('local_date', grain) }} as period_start,
        {{ key | join(', ') }},
        method_code,
        sum(mass_kg) as mass_kg,
        sum(measured_kg) as measured_kg,
        sum(sampled_flow_m3) as sampled_flow_m3,
        cast(count(distinct local_date) as integer) as days_covered,
        sum(known_hours) > 0 as has_run
    from touched_days
    group by {{ period_start('local_date', grain) }}, {{ key | join(', ') }}, method_code
),

-- a source that stood still says 0 by every method; where it ran, only those count that heard it run
monitored_{{ grain }} as (
    select
        summed.grain,
        summed.period_start,
        summed.enterprise_id,
        summed.outlet_id,
        summed.medium,
        summed.pollutant_code,
        summed.method_code,
        -- samples stand for the flow of the whole period
        case
            when summed.method_code <> 'manual' then summed.mass_kg
            when summed.sampled_flow_m3 > 0 then summed.mass_kg / summed.sampled_flow_m3 * flow.flow_m3
            else summed.mass_kg
        end as mass_kg,
        summed.measured_kg,
        summed.days_covered,
        summed.has_run or not max(case when summed.has_run then 1 else 0 end) over (
            partition by summed.period_start, summed.enterprise_id, summed.outlet_id, summed.medium, summed.pollutant_code
        ) = 1 as is_heard
    from summed_{{ grain }} as summed
    left join flow_{{ grain }} as flow
        on summed.outlet_id = flow.outlet_id and summed.period_start = flow.period_start
),

spoken_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ period_start('local_date', grain) }} as period_start,
        {{ key | join(', ') }},
        method_code,
        sum(mass_kg) as days_kg,
        sum(measured_kg) as days_measured_kg,
        sum(case when counts_in_enterprise_total then mass_kg else 0 end) as days_enterprise_kg,
        sum(case when counts_in_park_total then mass_kg else 0 end) as days_park_kg
    from spoken_days
    group by {{ period_start('local_date', grain) }}, {{ key | join(', ') }}, method_code
),
{%- endfor %}

monitored as (
    {%- for grain in longer_periods() %}
    select * from monitored_{{ grain }}
    where is_heard
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

every_spoken as (
    {%- for grain in longer_periods() %}
    select * from spoken_{{ grain }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- days that stood still are of the method that spoke for the others
spoken_beside as (
    select
        *,
        max(days_kg) over (partition by grain, period_start, {{ key | join(', ') }}) as largest_kg
    from every_spoken
),

spoken as (
    select * from spoken_beside
    where days_kg > 0 or largest_kg = 0
),

estimates as (
    select
        grain,
        period_start,
        enterprise_id,
        medium,
        pollutant_code,
        method_code,
        case when max(reason) is null then sum(generated_kg * remaining_share) end as treated_kg,
        case when count(generated_kg) = count(*) then sum(generated_kg) end as untreated_kg,
        max(reason) as treated_reason,
        max(case when generated_kg is null then reason end) as untreated_reason
    from {{ ref('int_generation_estimates') }}
    where {{ touched_filter('enterprise', date='year_start_date', relation=relation) }}
    group by grain, period_start, enterprise_id, medium, pollutant_code, method_code
),

declared as (
    select * from {{ ref('int_declared_emission') }}
    where {{ touched_filter('enterprise', date='year_start_date', relation=relation) }}
),

-- the one outlet of a medium that an enterprise shares with nobody
borne as (
    select
        outlets.enterprise_id,
        outlets.medium,
        outlets.outlet_id,
        outlets.valid_from,
        outlets.valid_to,
        false as is_shared
    from outlets
    where outlets.kind not in ('workshop', 'rainwater')
    union all
    select
        allocations.enterprise_id,
        outlets.medium,
        outlets.outlet_id,
        greatest(outlets.valid_from, allocations.valid_from) as valid_from,
        least(outlets.valid_to, allocations.valid_to) as valid_to,
        true as is_shared
    from outlets
    inner join allocations
        on outlets.outlet_id = allocations.source_id
            and outlets.valid_from < allocations.valid_to
            and allocations.valid_from < outlets.valid_to
),

single_outlets as (
    select
        estimates.grain,
        estimates.period_start,
        estimates.enterprise_id,
        estimates.medium,
        max(borne.outlet_id) as outlet_id
    from (
        select distinct
            grain,
            period_start,
            enterprise_id,
            medium
        from estimates
    ) as estimates
    inner join borne
        on estimates.enterprise_id = borne.enterprise_id
            and estimates.medium = borne.medium
            and {{ holds_on('borne', 'estimates.period_start') }}
    group by estimates.grain, estimates.period_start, estimates.enterprise_id, estimates.medium
    having count(distinct borne.outlet_id) = 1 and max(case when borne.is_shared then 1 else 0 end) = 0
),

every_row as (
    select
        coalesce(monitored.grain, spoken.grain) as grain,
        coalesce(monitored.period_start, spoken.period_start) as period_start,
        {%- for column in key %}
        coalesce(monitored.{{ column }}, spoken.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(monitored.method_code, spoken.method_code) as method_code,
        monitored.mass_kg,
        case when monitored.mass_kg is not null then monitored.measured_kg end as measured_kg,
        spoken.days_kg,
        spoken.days_measured_kg,
        spoken.days_enterprise_kg,
        spoken.days_park_kg,
        monitored.days_covered,
        case when monitored.mass_kg is null then 'no_flow_or_hours' end as reason
    from monitored
    full outer join spoken
        on monitored.grain = spoken.grain
            and monitored.period_start = spoken.period_start
            and monitored.enterprise_id = spoken.enterprise_id
            and monitored.outlet_id = spoken.outlet_id
            and monitored.medium = spoken.medium
            and monitored.pollutant_code = spoken.pollutant_code
            and monitored.method_code = spoken.method_code
    {%- for suffix, basis in {'': 'treated', '_untreated': 'untreated'}.items() %}
    union all
    select
        estimates.grain,
        estimates.period_start,
        estimates.enterprise_id,
        single_outlets.outlet_id,
        estimates.medium,
        estimates.pollutant_code,
        estimates.method_code || '{{ suffix }}' as method_code,
        estimates.{{ basis }}_kg as mass_kg,
        case when estimates.{{ basis }}_kg is not null then cast(0 as double) end as measured_kg,
        cast(null as double) as days_kg,
        cast(null as double) as days_measured_kg,
        cast(null as double) as days_enterprise_kg,
        cast(null as double) as days_park_kg,
        cast(null as integer) as days_covered,
        estimates.{{ basis }}_reason as reason
    from estimates
    left join single_outlets
        on estimates.grain = single_outlets.grain
            and estimates.period_start = single_outlets.period_start
            and estimates.enterprise_id = single_outlets.enterprise_id
            and estimates.medium = single_outlets.medium
    {%- endfor %}
    union all
    select
        grain,
        period_start,
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        'self_reported' as method_code,
        mass_kg,
        case when mass_kg is not null then cast(0 as double) end as measured_kg,
        cast(null as double) as days_kg,
        cast(null as double) as days_measured_kg,
        cast(null as double) as days_enterprise_kg,
        cast(null as double) as days_park_kg,
        days_covered,
        case when mass_kg is null then 'report_missing' end as reason
    from declared
),

final as (
    select
        cast(date_trunc('year', candidates.period_start) as date) as year_start_date,
        candidates.grain,
        candidates.period_start,
        candidates.enterprise_id,
        candidates.outlet_id,
        candidates.medium,
        candidates.pollutant_code,
        candidates.method_code,
        candidates.mass_kg,
        candidates.measured_kg,
        candidates.days_kg,
        candidates.days_measured_kg,
        candidates.days_enterprise_kg,
        candidates.days_park_kg,
        coalesce(
            candidates.days_covered,
            {{ days_between('candidates.period_start', end_of_grain('candidates.period_start', 'candidates.grain')) }}
        ) as days_covered,
        case candidates.grain when 'year' then capture_of_years.capture else captures.capture end as capture_quarter,
        capture_of_years.capture as capture_year,
        candidates.reason
    from every_row as candidates
    left join captures
        on {{ equal_columns('candidates', 'captures', key + ['method_code']) }}
            and date_trunc('quarter', candidates.period_start) = captures.quarter_start_date
    left join capture_of_years
        on {{ equal_columns('candidates', 'capture_of_years', key + ['method_code']) }}
            and date_trunc('year', candidates.period_start) = capture_of_years.year_start_date
)

select * from final
