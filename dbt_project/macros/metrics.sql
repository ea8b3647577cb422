{#- Inputs of int_metric_sides that need more than a line; which metric takes what stands in metrics.csv. -#}

{% macro carbon_inputs(grain, relation) -%}
-- what a neighbour made cancels in the park: there the fuel behind it counts where it was burnt
carbon_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ longer_periods()[grain].column }} as period_start,
        enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        'carbon' as source,
        carbon_kind as code,
        'co2e_t' as measure,
        sum(co2e_t) as value,
        sum(case when carbon_kind in {{ internal_carbon_kinds() }} then 0 else co2e_t end) as park_value,
        sum(co2e_t * coalesce(measured_share, 0)) as measured_value,
        count(co2e_t) < count(*) as is_missing,
        true as is_applicable,
        cast(null as double) as completeness_share,
        {{ weakest_state('state') }} as state,
        'tCO2e' as unit,
        cast(null as varchar) as price_basis
    from {{ ref('enterprise_carbon_' ~ longer_periods()[grain].suffix) }}
    where {{ touched_filter('enterprise', date=longer_periods()[grain].column, relation=relation) }}
    group by {{ longer_periods()[grain].column }}, enterprise_id, carbon_kind
)
{%- endmacro %}

{% macro waste_inputs(grain, relation, waste_measures) -%}
waste_kinds_{{ grain }} as (
    select
        {{ longer_periods()[grain].column }} as period_start,
        enterprise_id,
        waste_kind,
        {%- for measure in waste_measures if measure != 'dealt_with_t' %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        -- what became of its own waste: what it took in it deals with for others
        case when count(coalesce(recycled_t, disposed_t, transferred_t)) > 0
            then coalesce(sum(recycled_t), 0) + coalesce(sum(disposed_t), 0) + coalesce(sum(transferred_t), 0) - coalesce(sum(received_t), 0)
        end as dealt_with_t,
        sum(transferred_inside_t) as transferred_inside_t,
        sum(received_inside_t) as received_inside_t,
        max(case when origin = 'manifest' then 1 else 0 end) as is_of_manifests,
        {{ weakest_state('state') }} as state
    from {{ ref('enterprise_waste_' ~ longer_periods()[grain].suffix) }}
    where {{ touched_filter('enterprise', date=longer_periods()[grain].column, relation=relation) }}
    group by {{ longer_periods()[grain].column }}, enterprise_id, waste_kind
),

waste_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        waste.period_start,
        waste.enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        'waste' as source,
        waste.waste_kind as code,
        measures.measure,
        case measures.measure
            {%- for measure in waste_measures %}
            when '{{ measure }}' then waste.{{ measure }}
            {%- endfor %}
        end as value,
        case measures.measure
            {%- for measure in waste_measures %}
            when '{{ measure }}' then waste.{{ measure }}
                {{- ' - coalesce(waste.' ~ measure.replace('_t', '_inside_t') ~ ', 0)' if measure in ['transferred_t', 'received_t'] }}
                {{- ' - coalesce(waste.transferred_inside_t, 0) + coalesce(waste.received_inside_t, 0)' if measure == 'dealt_with_t' }}
            {%- endfor %}
        end as park_value,
        waste.is_of_manifests,
        waste.state
    from waste_kinds_{{ grain }} as waste
    cross join waste_measures as measures
)
{%- endmacro %}

{#- Before treatment, from the generation marts alone: where nothing is known of it, the discharge after treatment is no substitute. -#}
{% macro generation_inputs(grain, relation) -%}
generation_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ longer_periods()[grain].column }} as period_start,
        enterprise_id,
        process_id,
        'ALL' as product_code,
        'generation' as source,
        pollutant_code as code,
        'generated_kg' as measure,
        sum(generated_kg) as value,
        sum(generated_kg) as park_value,
        sum(generated_kg * measured_share) as measured_value,
        count(generated_kg) < count(*) as is_missing,
        true as is_applicable,
        min(capture_share) as completeness_share,
        {{ weakest_state('state') }} as state,
        'kg' as unit,
        cast(null as varchar) as price_basis
    from {{ ref('enterprise_pollutant_generation_' ~ longer_periods()[grain].suffix) }}
    where {{ touched_filter('enterprise', date=longer_periods()[grain].column, relation=relation) }}
    group by {{ longer_periods()[grain].column }}, enterprise_id, process_id, pollutant_code
    union all
    -- what is declared of a product stands with the product only
    select
        '{{ grain }}' as grain,
        declared.period_start,
        declared.enterprise_id,
        declared.process_id,
        declared.product_code,
        'generation' as source,
        declared.code,
        'generated_kg' as measure,
        declared.value,
        declared.value as park_value,
        cast(0 as double) as measured_value,
        declared.is_missing,
        true as is_applicable,
        declared.completeness_share,
        declared.state,
        declared.unit,
        cast(null as varchar) as price_basis
    from declared_{{ grain }} as declared
    inner join pollutants on declared.code = pollutants.parameter_code
    where declared.product_code <> 'ALL' and declared.measure = 'generated'
)
{%- endmacro %}

{#-
    What stacks send, as sums that means are made of: the concentration of every hour at reference oxygen (mg/m3·h) and those hours,
    over all stacks of the enterprise that have one; and by the process behind a stack, in place of a pollutant, the hours that it ran
    and the years of stacks of which is known whether they ran or stood still.
-#}
{% macro stack_inputs(grain) -%}
stack_measures_{{ grain }} as (
    {%- for measure in ['corrected_concentration_h', 'corrected_hours'] %}
    select
        period_start,
        enterprise_id,
        pollutant_code as code,
        '{{ measure }}' as measure,
        sum({{ measure }}) as value,
        min(completeness_share) as completeness_share,
        {{ "'h'" if measure == 'corrected_hours' else "max(concentration_unit) || '.h'" }} as unit
    from emission_{{ grain }}
    where corrected_hours > 0
    group by period_start, enterprise_id, pollutant_code
    union all
    {%- endfor %}
    {%- set years = 'outlets.known_hours / ' ~ hours_of_period(period_start('outlets.period_start', 'year'), 'year') %}
    {%- for measure, sum in {'operating_hours': 'sum(outlets.operating_hours)', 'outlet_years': 'sum(' ~ years ~ ')'}.items() %}
    select
        outlets.period_start,
        outlets.enterprise_id,
        stacks.process_code as code,
        '{{ measure }}' as measure,
        {{ sum }} as value,
        min(outlets.completeness_share) as completeness_share,
        '{{ 'h' if measure == 'operating_hours' else 'a' }}' as unit
    from outlet_flow_{{ grain }} as outlets
    inner join stacks on outlets.outlet_id = stacks.outlet_id
    where outlets.medium = 'air' and stacks.process_code is not null
    group by outlets.period_start, outlets.enterprise_id, stacks.process_code
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}

{#- Readings and laboratory samples that a metric asks for, each valid one counting alike: their sum and their number, by statistic. -#}
{% macro reading_inputs(grain) -%}
readings_{{ grain }} as (
    {%- for part in ['sum', 'count'] %}
    select
        {{ period_start('local_date', grain) }} as period_start,
        enterprise_id,
        parameter_code as code,
        statistic || '_{{ part }}' as measure,
        {{ 'sum(value_mean * valid_periods)' if part == 'sum' else 'cast(sum(valid_periods) as double)' }} as value,
        {{ 'max(unit)' if part == 'sum' else "'1'" }} as unit
    from owned_readings
    group by {{ period_start('local_date', grain) }}, enterprise_id, parameter_code, statistic
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}

{#-
    可比熟料综合煤耗 (GB 16780, see assessment/cement.py): heat of the fuels, less the coal that power from waste heat saves in the grid,
    times sqrt(local / sea-level pressure) above an altitude and (reference strength / strength)^exponent. The period's strength and
    altitude are means of readings; without one of them nothing is known, an unknown altitude is no factor of 1.
-#}
{% macro clinker_inputs(grain) -%}
kilns_{{ grain }} as (
    select
        period_start,
        enterprise_id,
        {%- for name, code in {'strength': 'clinker_strength', 'altitude': 'altitude', 'pressure': 'a01006'}.items() %}
        sum(case when code = '{{ code }}' and measure like '%_sum' then value end)
        / sum(case when code = '{{ code }}' and measure like '%_count' then value end) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from readings_{{ grain }}
    group by period_start, enterprise_id
),

rules_of_kilns_{{ grain }} as (
    select
        kilns.period_start,
        kilns.enterprise_id,
        max(kilns.strength) as strength,
        max(kilns.altitude) as altitude,
        max(kilns.pressure) as pressure,
        -- a park's own row goes before the shipped one
        {%- for name in ['reference_strength', 'strength_exponent', 'altitude_from', 'sea_level_pressure', 'supply_coal'] %}
        max_by(rules.value, rules.origin = 'park') filter (where rules.parameter = '{{ name }}') as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from kilns_{{ grain }} as kilns
    left join kiln_rules as rules on {{ holds_on('rules', 'kilns.period_start') }}
    group by kilns.period_start, kilns.enterprise_id
),

comparable_{{ grain }} as (
    select
        period_start,
        enterprise_id,
        supply_coal,
        case when altitude <= altitude_from then 1 when altitude > altitude_from then sqrt(pressure / sea_level_pressure) end
        * power(reference_strength / strength, strength_exponent) as comparable_share
    from rules_of_kilns_{{ grain }}
),

clinker_{{ grain }} as (
    select
        consumption.period_start,
        consumption.enterprise_id,
        consumption.code,
        'comparable_tce' as measure,
        case when consumption.code = 'waste_heat_electricity' then -consumption.value * comparable.supply_coal else consumption.value end
        * comparable.comparable_share as value,
        consumption.measured_share,
        consumption.completeness_share,
        consumption.state
    from consumption_{{ grain }} as consumption
    inner join kiln_years
        on consumption.enterprise_id = kiln_years.enterprise_id
            and cast(date_trunc('year', consumption.period_start) as date) = kiln_years.year_start_date
    left join comparable_{{ grain }} as comparable
        on consumption.enterprise_id = comparable.enterprise_id and consumption.period_start = comparable.period_start
    where consumption.process_id is null
        and consumption.measure = case consumption.code when 'waste_heat_electricity' then 'self_produced' else 'energy_tce_calorific' end
        and (consumption.value is not null or consumption.is_missing)
)
{%- endmacro %}

{#- Readings by the enterprise whose point it was, where and when clinker was tested, and what kilns are compared by. -#}
{% macro sampled_inputs(relation) -%}
owned_by_day as (
    select
        points.enterprise_id,
        days.local_date,
        days.parameter_code,
        days.statistic,
        days.value_mean,
        days.valid_periods,
        days.unit
    from {{ ref('point_daily') }} as days
    inner join {{ ref('int_point_owners') }} as points
        on days.point_id = points.point_id and {{ holds_on('points', 'days.local_date') }}
    where (
            days.parameter_code in ('clinker_strength', 'altitude', 'a01006')
            or days.parameter_code in (
                select code from terms
                where source = 'reading'
            )
        )
        -- what the platform has of a channel is no second sample
        and days.source_kind <> 'platform_copy' and days.valid_periods > 0 and points.enterprise_id is not null
),

owned_readings as (
    select * from owned_by_day
    where {{ touched_filter('enterprise', relation=relation) }}
),

kiln_years as (
    select distinct
        enterprise_id,
        {{ period_start('local_date', 'year') }} as year_start_date
    from owned_readings
    where parameter_code = 'clinker_strength'
),

kiln_rules as (
    select
        parameter,
        value,
        origin,
        valid_from,
        valid_to
    from {{ ref('stg_method_parameters') }}
    where method = 'cement'
    union all
    select
        'supply_coal' as parameter,
        value,
        origin,
        valid_from,
        valid_to
    from {{ ref('stg_factors') }}
    where kind = 'tce' and item_code = 'waste_heat_electricity' and basis = 'primary' and is_default
)
{%- endmacro %}

{% macro flow_inputs(grain) -%}
-- an outlet's flow stands beside each of its pollutants and counts once
outlet_flow_{{ grain }} as (
    select
        period_start,
        enterprise_id,
        medium,
        outlet_id,
        max(flow_m3) as flow_m3,
        max(park_flow_m3) as park_flow_m3,
        max(operating_hours) as operating_hours,
        max(known_hours) as known_hours,
        max(completeness_share) as completeness_share
    from emission_{{ grain }}
    where medium in ('water', 'air') and outlet_id is not null
    group by period_start, enterprise_id, medium, outlet_id
),

flow_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        period_start,
        enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        'emission' as source,
        upper(medium) || '_FLOW' as code,
        'flow_m3' as measure,
        sum(flow_m3) as value,
        sum(park_flow_m3) as park_value,
        sum(flow_m3) as measured_value,
        count(flow_m3) < count(*) as is_missing,
        true as is_applicable,
        min(completeness_share) as completeness_share,
        'measured' as state,
        'm3' as unit,
        cast(null as varchar) as price_basis
    from outlet_flow_{{ grain }}
    group by period_start, enterprise_id, medium
)
{%- endmacro %}

{#- What stacks, samples and kilns give, as inputs of the whole enterprise. -#}
{% macro inputs_of_the_whole(grain) -%}
    {%- for source, relation_name in {'emission': 'stack_measures', 'reading': 'readings', 'clinker': 'clinker'}.items() %}
    union all
    select
        '{{ grain }}' as grain,
        period_start,
        enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        '{{ source }}' as source,
        code,
        measure,
        value,
        value as park_value,
        {{ 'value * measured_share' if source == 'clinker' else 'value' }} as measured_value,
        value is null as is_missing,
        true as is_applicable,
        {{ 'cast(null as double)' if source == 'reading' else 'completeness_share' }} as completeness_share,
        {{ 'state' if source == 'clinker' else "'measured'" }} as state,
        {{ "'tce'" if source == 'clinker' else 'unit' }} as unit,
        cast(null as varchar) as price_basis
    from {{ relation_name }}_{{ grain }}
    {%- endfor %}
{%- endmacro %}
