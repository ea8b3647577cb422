{#-
    How much of a permit's yearly mass is used by the methods that permits select, and where the year will end at the pace so far. Built whole: it is small, and
    what is provisional changes with the park's last date wherever anything was measured.

    provisional is what lies in a quarter that is not over: which hours are substituted and whether automatic data count at all is
    decided by the quarter's capture. The projection adds the days to come at the pace of the covered hours, stand-stills among
    them; hours that nobody knows are not filled (a proposal of this project, no rule of a norm).
-#}
with

span as (
    select * from {{ ref('int_data_span') }}
),

permits as (
    select
        permit_id,
        subject_kind,
        subject_id,
        parameter_code as pollutant_code,
        {{ kilograms('limit_value', 'unit') }} as permitted_kg,
        valid_from,
        {{ validity_end('subject_kind, subject_id, parameter_code, limit_kind') }} as valid_to
    from {{ ref('stg_permit_limits') }}
    where limit_kind = 'annual_mass'
),

years as (
    select distinct
        cast(date_trunc('year', days.local_date) as date) as year_start_date,
        {{ period_end("cast(date_trunc('year', days.local_date) as date)", 'year') }} as year_end_date
    from {{ ref('int_local_days') }} as days
    inner join span on days.local_date <= span.last_calendar_date
),

-- of permits that follow each other in a year the last one counts
ranked as (
    select
        permits.*,
        years.year_start_date,
        years.year_end_date,
        row_number() over (
            partition by permits.subject_kind, permits.subject_id, permits.pollutant_code, years.year_start_date
            order by permits.valid_from desc
        ) as choice
    from permits
    inner join years on permits.valid_from < years.year_end_date and permits.valid_to > years.year_start_date
),

limits as (
    select * from ranked
    where choice = 1
),

outlets as (
    select
        outlet_id,
        max_by(enterprise_id, valid_from) as enterprise_id
    from {{ ref('int_outlets') }}
    group by outlet_id
),

discharges as (
    select
        period_start as year_start_date,
        enterprise_id,
        outlet_id,
        pollutant_code,
        counts_in_enterprise_total,
        sum(mass_kg) as mass_kg,
        sum(measured_kg) as measured_kg,
        sum(covered_hours) as covered_hours,
        sum(covered_hours + missing_hours) as expected_hours,
        {{ weakest_state('state') }} as state
    from {{ ref('int_purpose_emission') }}
    where purpose = 'permit' and grain = 'year'
    group by period_start, enterprise_id, outlet_id, pollutant_code, counts_in_enterprise_total
),

months as (
    select
        cast(date_trunc('year', period_start) as date) as year_start_date,
        period_start as month_start_date,
        enterprise_id,
        outlet_id,
        pollutant_code,
        counts_in_enterprise_total,
        sum(mass_kg) as mass_kg
    from {{ ref('int_purpose_emission') }}
    where purpose = 'permit' and grain = 'month'
    group by period_start, enterprise_id, outlet_id, pollutant_code, counts_in_enterprise_total
),

{%- set subject_matches -%}
limits.pollutant_code = discharges.pollutant_code
            and limits.year_start_date = discharges.year_start_date
            and case limits.subject_kind
                when 'outlet' then limits.subject_id = discharges.outlet_id
                else limits.subject_id = discharges.enterprise_id and discharges.counts_in_enterprise_total
            end
{%- endset %}

used as (
    select
        limits.subject_kind,
        limits.subject_id,
        limits.pollutant_code,
        limits.year_start_date,
        sum(discharges.mass_kg) as used_kg,
        sum(discharges.measured_kg) as measured_kg,
        sum(discharges.covered_hours) as covered_hours,
        sum(discharges.expected_hours) as expected_hours,
        sum(discharges.mass_kg + discharges.mass_kg / nullif(discharges.covered_hours, 0) * 24 * greatest(
            {{ days_between(days_after('span.last_calendar_date', 1), 'limits.year_end_date') }}, 0
        )) as projected_kg,
        max({{ state_rank('discharges.state') }}) as state_rank
    from limits
    cross join span
    inner join discharges on {{ subject_matches }}
    group by limits.subject_kind, limits.subject_id, limits.pollutant_code, limits.year_start_date
),

used_by_month as (
    select
        limits.subject_kind,
        limits.subject_id,
        limits.pollutant_code,
        limits.year_start_date,
        limits.permitted_kg,
        discharges.month_start_date,
        sum(discharges.mass_kg) as mass_kg
    from limits
    inner join months as discharges on {{ subject_matches }}
    group by
        limits.subject_kind,
        limits.subject_id,
        limits.pollutant_code,
        limits.year_start_date,
        limits.permitted_kg,
        discharges.month_start_date
),

cumulated as (
    select
        *,
        sum(mass_kg) over (
            partition by subject_kind, subject_id, pollutant_code, year_start_date
            order by month_start_date
            rows between unbounded preceding and current row
        ) as mass_so_far
    from used_by_month
),

by_month as (
    select
        cumulated.subject_kind,
        cumulated.subject_id,
        cumulated.pollutant_code,
        cumulated.year_start_date,
        sum(case
            when {{ period_end(period_start('cumulated.month_start_date', 'quarter'), 'quarter') }}
                > {{ days_after('span.last_calendar_date', 1) }} then cumulated.mass_kg
            else 0
        end) as provisional_kg,
        min(case when cumulated.mass_so_far > cumulated.permitted_kg then cumulated.month_start_date end) as exceeded_in_month
    from cumulated
    cross join span
    group by cumulated.subject_kind, cumulated.subject_id, cumulated.pollutant_code, cumulated.year_start_date
),

joined as (
    select
        limits.*,
        coalesce(outlets.enterprise_id, case limits.subject_kind when 'enterprise' then limits.subject_id end) as enterprise_id,
        case limits.subject_kind when 'outlet' then limits.subject_id end as outlet_id,
        least(span.last_calendar_date, {{ days_after('limits.year_end_date', -1) }}) as last_date,
        span.last_calendar_date >= {{ days_after('limits.year_end_date', -1) }} as is_over,
        used.used_kg,
        used.measured_kg,
        used.covered_hours,
        used.expected_hours,
        used.projected_kg as paced_kg,
        used.state_rank,
        by_month.provisional_kg,
        by_month.exceeded_in_month
    from limits
    cross join span
    left join outlets on limits.subject_kind = 'outlet' and limits.subject_id = outlets.outlet_id
    left join used
        on limits.subject_kind = used.subject_kind
            and limits.subject_id = used.subject_id
            and limits.pollutant_code = used.pollutant_code
            and limits.year_start_date = used.year_start_date
    left join by_month
        on limits.subject_kind = by_month.subject_kind
            and limits.subject_id = by_month.subject_id
            and limits.pollutant_code = by_month.pollutant_code
            and limits.year_start_date = by_month.year_start_date
),

projected as (
    select
        *,
        case when is_over then used_kg else paced_kg end as projected_kg,
        {{ days_between('year_start_date', 'year_end_date') }} as year_days
    from joined
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        outlet_id,
        pollutant_code,
        cast(extract(year from year_start_date) as integer) as permit_year,
        permit_id,
        permitted_kg,
        used_kg,
        case when used_kg is not null then coalesce(provisional_kg, 0) end as provisional_kg,
        projected_kg,
        permitted_kg - used_kg as remaining_kg,
        used_kg / nullif(permitted_kg, 0) as used_share,
        projected_kg / nullif(permitted_kg, 0) as projected_share,
        used_kg > permitted_kg as is_exceeded,
        projected_kg > permitted_kg as is_projected_to_exceed,
        exceeded_in_month,
        -- the day to come on which the pace so far uses the permit up
        case
            when not is_over and used_kg <= permitted_kg and projected_kg > permitted_kg
                then {{ days_after(
                    'last_date',
                    "1 + cast(floor((permitted_kg - used_kg) / (projected_kg - used_kg) * " ~ days_between(days_after('last_date', 1), 'year_end_date')
                    ~ ') as integer)',
                ) }}
        end as exhausted_on,
        measured_kg / nullif(used_kg, 0) as measured_share,
        -- of the days up to last_date
        least(covered_hours * year_days / nullif(expected_hours * ({{ days_between('year_start_date', 'last_date') }} + 1), 0), 1)
            as completeness_share,
        last_date,
        case when is_over then 'none' else 'linear' end as projection_method,
        case when used_kg is null then 'missing' else {{ state_of_rank('state_rank') }} end as state
    from projected
)

select * from final
