{#-
    The methods of a discharge side by side, and the one place where one is selected for each purpose. A month is decided by the purpose's
    precedence (method_precedences.csv): the first method that has a figure and meets its condition; a figure of a whole enterprise only
    where none of its outlets has one. A quarter or year of which a month was monitored adds up what its months selected; any other
    is decided as a whole, because reports and coefficients of a year are no sum of months.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'period_start', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}
{%- set subject = ['enterprise_id', 'medium', 'pollutant_code'] %}
{%- set key = subject + ['outlet_id'] %}
{%- set picked = ['purpose', 'grain', 'period_start'] + key + ['method_code', 'kg', 'kg_measured', 'kg_of_enterprise', 'kg_of_park', 'days'] %}

with

candidates as (
    select * from {{ ref('int_emission_candidates') }}
    where {{ touched_filter('enterprise', date='year_start_date', relation=relation) }}
),

methods as (
    {{ own_before_shipped('stg_emission_methods', ['method_code', 'relative_uncertainty'], 'method_code') }}
),

-- who sets an order of its own for a purpose replaces the shipped one
precedences as (
    {{ own_before_shipped(
        'stg_method_precedences', ['purpose', 'rank', 'method_code', 'min_capture_share', 'capture_over'], 'purpose', 'purpose, rank',
    ) }}
),

judged as (
    select
        candidates.*,
        precedences.purpose,
        precedences.rank,
        precedences.min_capture_share is null
        or coalesce(
            case precedences.capture_over when 'year' then candidates.capture_year else candidates.capture_quarter end
            >= precedences.min_capture_share,
            false
        ) as is_met
    from candidates
    inner join precedences
        on candidates.method_code = precedences.method_code and {{ holds_on('precedences', 'candidates.period_start') }}
    where precedences.purpose in ('{{ emission_purposes() | join("', '") }}')
),

-- a report that is due and missing speaks last: it says that something is missing
ranked as (
    select
        *,
        row_number() over (
            partition by purpose, grain, period_start, {{ key | join(', ') }}
            order by case when mass_kg is null then 1 else 0 end, rank
        ) as choice
    from judged
    where is_met and (mass_kg is not null or method_code = 'self_reported')
),

-- what days say among monitors goes into the audit as days say it
first_choices as (
    select
        ranked.purpose,
        ranked.grain,
        ranked.period_start,
        {%- for column in key %}
        ranked.{{ column }},
        {%- endfor %}
        ranked.method_code,
        ranked.mass_kg as kg,
        ranked.measured_kg as kg_measured,
        cast(null as double) as kg_of_enterprise,
        cast(null as double) as kg_of_park,
        ranked.days_covered as days,
        ranked.purpose = 'audit' and ranked.method_code in {{ methods_of_days() }} as is_of_days
    from ranked
    where ranked.choice = 1
),

choices as (
    select {{ picked | join(', ') }}
    from first_choices
    where not is_of_days
    union all
    select
        first_choices.purpose,
        first_choices.grain,
        first_choices.period_start,
        {%- for column in key %}
        first_choices.{{ column }},
        {%- endfor %}
        candidates.method_code,
        candidates.days_kg as kg,
        candidates.days_measured_kg as kg_measured,
        candidates.days_enterprise_kg as kg_of_enterprise,
        candidates.days_park_kg as kg_of_park,
        candidates.days_covered as days
    from first_choices
    inner join candidates
        on first_choices.grain = candidates.grain
            and first_choices.period_start = candidates.period_start
            and first_choices.enterprise_id = candidates.enterprise_id
            and first_choices.outlet_id = candidates.outlet_id
            and first_choices.medium = candidates.medium
            and first_choices.pollutant_code = candidates.pollutant_code
            and candidates.days_kg is not null
    where first_choices.is_of_days
),

{%- for grain, settings in longer_periods().items() %}

{%- if settings.shorter %}

-- of which a month was monitored, at an outlet, and at any outlet of the enterprise (`-`)
monitored_{{ grain }} as (
    select distinct
        purpose,
        {{ period_start('period_start', grain) }} as period_start,
        {{ subject | join(', ') }},
        outlet_id
    from picked_month
    where method_code in {{ methods_of_days() }}
    union
    select distinct
        purpose,
        {{ period_start('period_start', grain) }} as period_start,
        {{ subject | join(', ') }},
        '-' as outlet_id
    from picked_month
    where method_code in {{ methods_of_days() }}
),

own_{{ grain }} as (
    select * from choices
    where grain = '{{ grain }}'
        and (purpose, period_start, {{ subject | join(', ') }}, coalesce(outlet_id, '-')) not in (
            select
                purpose,
                period_start,
                {{ subject | join(', ') }},
                outlet_id
            from monitored_{{ grain }}
        )
),

summed_{{ grain }} as (
    select
        months.purpose,
        '{{ grain }}' as grain,
        {{ period_start('months.period_start', grain) }} as period_start,
        {%- for column in key %}
        months.{{ column }},
        {%- endfor %}
        months.method_code,
        sum(months.kg) as kg,
        sum(months.kg_measured) as kg_measured,
        sum(months.kg_of_enterprise) as kg_of_enterprise,
        sum(months.kg_of_park) as kg_of_park,
        sum(months.days) as days
    from picked_month as months
    inner join monitored_{{ grain }} as monitored
        on months.purpose = monitored.purpose
            and {{ period_start('months.period_start', grain) }} = monitored.period_start
            and months.enterprise_id = monitored.enterprise_id
            and months.medium = monitored.medium
            and months.pollutant_code = monitored.pollutant_code
            and coalesce(months.outlet_id, '-') = monitored.outlet_id
    group by
        months.purpose, {{ period_start('months.period_start', grain) }}, months.{{ key | join(', months.') }}, months.method_code
),
{%- else %}

own_{{ grain }} as (
    select * from choices
    where grain = '{{ grain }}'
),
{%- endif %}

outlets_{{ grain }} as (
    select distinct
        purpose,
        period_start,
        {{ subject | join(', ') }}
    from own_{{ grain }}
    where outlet_id is not null and kg is not null
),

picked_{{ grain }} as (
    select {{ picked | join(', ') }}
    from own_{{ grain }}
    where outlet_id is not null
        or (purpose, period_start, {{ subject | join(', ') }}) not in (
            select
                purpose,
                period_start,
                {{ subject | join(', ') }}
            from outlets_{{ grain }}
        )
    {%- if settings.shorter %}
    union all
    select {{ picked | join(', ') }} from summed_{{ grain }}
    {%- endif %}
),
{%- endfor %}

every_pick as (
    {%- for grain in longer_periods() %}
    select * from picked_{{ grain }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

by_method as (
    select
        grain,
        period_start,
        {{ key | join(', ') }},
        method_code,
        {%- for purpose in emission_purposes() %}
        max(case when purpose = '{{ purpose }}' then kg end) as {{ purpose }}_kg,
        max(case when purpose = '{{ purpose }}' then 1 else 0 end) = 1 as selected_for_{{ purpose }},
        {%- endfor %}
        max(case when purpose = 'audit' then kg_measured end) as audit_measured_kg,
        max(case when purpose = 'audit' then kg_of_enterprise end) as days_enterprise_kg,
        max(case when purpose = 'audit' then kg_of_park end) as days_park_kg,
        max(case when purpose = 'audit' then days end) as audit_days
    from every_pick
    group by grain, period_start, {{ key | join(', ') }}, method_code
),

-- whether a method meets the first condition that the audit sets it
conditions as (
    select
        *,
        row_number() over (
            partition by grain, period_start, {{ key | join(', ') }}, method_code
            order by case purpose when 'audit' then 0 else 1 end, rank
        ) as choice
    from judged
),

every_method as (
    select
        coalesce(candidates.grain, by_method.grain) as grain,
        coalesce(candidates.period_start, by_method.period_start) as period_start,
        {%- for column in key %}
        coalesce(candidates.{{ column }}, by_method.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(candidates.method_code, by_method.method_code) as method_code,
        candidates.mass_kg,
        candidates.measured_kg,
        coalesce(by_method.audit_days, candidates.days_covered) as days_covered,
        candidates.capture_quarter as capture_share,
        candidates.reason,
        {%- for purpose in emission_purposes() %}
        by_method.{{ purpose }}_kg,
        coalesce(by_method.selected_for_{{ purpose }}, false) as selected_for_{{ purpose }},
        {%- endfor %}
        by_method.audit_measured_kg,
        by_method.days_enterprise_kg,
        by_method.days_park_kg
    from candidates
    full outer join by_method
        on candidates.grain = by_method.grain
            and candidates.period_start = by_method.period_start
            and candidates.enterprise_id = by_method.enterprise_id
            and candidates.outlet_id is not distinct from by_method.outlet_id
            and candidates.medium = by_method.medium
            and candidates.pollutant_code = by_method.pollutant_code
            and candidates.method_code = by_method.method_code
),

with_audit_total as (
    select
        *,
        sum(audit_kg) over (partition by grain, period_start, {{ key | join(', ') }}) as audit_total_kg
    from every_method
),

-- of a whole enterprise a ratio of sums, over the outlets where both sides exist
against_audit as (
    select
        *,
        mass_kg / nullif(audit_total_kg, 0) - 1 as deviation_from_audit_share,
        sum(case when audit_total_kg is not null then mass_kg end) over same_method
        / nullif(sum(case when mass_kg is not null then audit_total_kg end) over same_method, 0) - 1 as enterprise_deviation_from_audit_share
    from with_audit_total
    window same_method as (partition by grain, period_start, {{ subject | join(', ') }}, method_code)
),

-- days know themselves where they go
placed as (
    {{ placed_figures('against_audit') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        every_method.enterprise_id,
        every_method.outlet_id,
        every_method.medium,
        every_method.pollutant_code,
        every_method.grain as period_type,
        every_method.period_start,
        {{ end_of_grain('every_method.period_start', 'every_method.grain') }} as period_end,
        every_method.method_code,
        every_method.mass_kg,
        every_method.mass_kg * methods.relative_uncertainty as uncertainty,
        every_method.measured_kg / nullif(every_method.mass_kg, 0) as measured_share,
        every_method.capture_share,
        cast(every_method.days_covered as integer) as days_covered,
        every_method.mass_kg is not null and coalesce(conditions.is_met, false) as eligible,
        coalesce(
            every_method.reason,
            case when not conditions.is_met then 'capture_below_minimum' end
        ) as reason,
        {%- for purpose in emission_purposes() %}
        every_method.selected_for_{{ purpose }},
        every_method.{{ purpose }}_kg,
        {%- endfor %}
        every_method.audit_measured_kg,
        {%- for entity in ['enterprise', 'park'] %}
        case
            when every_method.audit_kg is null or every_method.method_code in {{ methods_of_days() }} then every_method.days_{{ entity }}_kg
            when {{ counts_in_total(entity) }} then every_method.audit_kg
            else 0
        end as {{ entity }}_kg,
        {%- endfor %}
        every_method.audit_kg / nullif(every_method.audit_total_kg, 0) as audit_share,
        every_method.deviation_from_audit_share,
        every_method.enterprise_deviation_from_audit_share
    from placed as every_method
    left join methods
        on every_method.method_code = methods.method_code and {{ holds_on('methods', 'every_method.period_start') }}
    left join conditions
        on every_method.grain = conditions.grain
            and every_method.period_start = conditions.period_start
            and every_method.enterprise_id = conditions.enterprise_id
            and every_method.outlet_id is not distinct from conditions.outlet_id
            and every_method.medium = conditions.medium
            and every_method.pollutant_code = conditions.pollutant_code
            and every_method.method_code = conditions.method_code
            and conditions.choice = 1
)

select * from final
