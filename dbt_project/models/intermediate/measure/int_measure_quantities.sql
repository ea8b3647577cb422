{#-
    What measures (清洁生产方案) are verified with: the meters they act on, and what the baselines of those meters are regressed on. A view:
    the assessment reads it once a build, and a park without measures pays nothing for it.
-#}
with

measure_meters as (
    select * from {{ ref('stg_measure_meters') }}
),

-- a meter that was renamed or replaced by another point keeps its history
related_points as (
    select
        from_id,
        to_id
    from {{ ref('stg_entity_relations') }}
    where entity_kind = 'point'
),

meter_points as (
    select point_id from measure_meters
    union
    select from_id as point_id from related_points
    union
    select to_id as point_id from related_points
),

meter_parameters as (
    select distinct parameter_code from measure_meters
),

driver_words as (
    select distinct words.word
    from measure_meters, {{ split_to_rows('measure_meters.driver_code', ' ') }} as words (word)
),

-- degree days (hdd:18, cdd:26) are made of the air's temperature
driver_parameters as (
    select word as parameter_code from driver_words
    union
    select 'a01001' as parameter_code from driver_words
    where word like 'hdd:%' or word like 'cdd:%'
),

local_days as (
    select * from {{ ref('int_local_days') }}
),

masses as (
    select
        parameter_code,
        total_unit,
        mass_from,
        mass_scale,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('stg_parameters') }}
    where mass_from is not null
),

daily_quantities as (
    select * from {{ ref('int_point_quantity_daily') }}
    where parameter_code in (select parameter_code from driver_parameters)
        or point_id in (select point_id from meter_points)
),

long_intervals as (
    select * from {{ ref('int_long_intervals') }}
    where parameter_code in (select parameter_code from driver_parameters)
        or point_id in (select point_id from meter_points)
),

long_by_day as (
    select
        point_id,
        parameter_code,
        local_date,
        sum(quantity) as quantity,
        sum(case when state in ('measured', 'stopped') then quantity else 0 end) as measured_quantity,
        sum(hours) as hours
    from long_intervals
    group by point_id, parameter_code, local_date
),

-- a day's quantity holds the long intervals that begin on it whole: they are told apart here
days as (
    select
        daily_quantities.point_id,
        daily_quantities.parameter_code,
        daily_quantities.local_date as period_start,
        {{ days_after('daily_quantities.local_date', 1) }} as period_end,
        daily_quantities.quantity - coalesce(long_by_day.quantity, 0) as quantity,
        daily_quantities.measured_quantity - coalesce(long_by_day.measured_quantity, 0) as measured_quantity,
        cast(null as double) as mean_value,
        daily_quantities.hours_covered - coalesce(long_by_day.hours, 0) as hours_covered,
        daily_quantities.unit,
        'day' as basis
    from daily_quantities
    left join long_by_day
        on daily_quantities.point_id = long_by_day.point_id
            and daily_quantities.parameter_code = long_by_day.parameter_code
            and daily_quantities.local_date = long_by_day.local_date
    where daily_quantities.quantity is not null
        and (long_by_day.point_id is null or daily_quantities.hours_covered > long_by_day.hours + 0.00014)
),

longer as (
    select
        long_intervals.point_id,
        long_intervals.parameter_code,
        long_intervals.local_date as period_start,
        {{ days_after('long_intervals.local_date', 'cast(round(long_intervals.hours / 24) as integer)') }} as period_end,
        long_intervals.quantity,
        case when long_intervals.state in ('measured', 'stopped') then long_intervals.quantity else 0 end as measured_quantity,
        cast(null as double) as mean_value,
        long_intervals.hours as hours_covered,
        daily_quantities.unit,
        'long' as basis
    from long_intervals
    left join daily_quantities
        on long_intervals.point_id = daily_quantities.point_id
            and long_intervals.parameter_code = daily_quantities.parameter_code
            and long_intervals.local_date = daily_quantities.local_date
),

-- one way of knowing a mean: the most automatic
ranked_means as (
    select
        *,
        row_number() over (
            partition by point_id, parameter_code, local_date
            order by
                case source_kind
                    when 'automatic' then 1
                    when 'platform_copy' then 2
                    when 'manual_lab' then 3
                    else 4
                end
        ) as way_rank
    from {{ ref('point_daily') }}
    where statistic in ('avg', 'rtd')
        and value_mean is not null
        and (
            parameter_code in (select parameter_code from driver_parameters)
            or (
                point_id in (select point_id from meter_points)
                and parameter_code in (select parameter_code from meter_parameters)
            )
        )
),

means as (
    select * from ranked_means
    where way_rank = 1
),

-- what leaves through an outlet is accounted for there, with gas conditions and substitution
points_at_outlets as (
    select distinct point_id from {{ ref('stg_points') }}
    where outlet_id is not null
),

-- a pollutant before treatment: what the point itself measured of concentration and flow
concentration_times_flow as (
    select
        means.point_id,
        means.parameter_code,
        means.local_date as period_start,
        {{ days_after('means.local_date', 1) }} as period_end,
        means.value_mean * flows.quantity * masses.mass_scale as quantity,
        means.value_mean * flows.measured_quantity * masses.mass_scale as measured_quantity,
        cast(null as double) as mean_value,
        flows.hours_covered,
        masses.total_unit as unit,
        'concentration_flow' as basis
    from means
    inner join masses
        on means.parameter_code = masses.parameter_code
            and means.local_date >= masses.valid_from
            and means.local_date < masses.valid_to
    inner join days as flows
        on means.point_id = flows.point_id
            and masses.mass_from = flows.parameter_code
            and means.local_date = flows.period_start
    left join days as own
        on means.point_id = own.point_id
            and means.parameter_code = own.parameter_code
            and means.local_date = own.period_start
    where own.point_id is null
        and means.point_id not in (select point_id from points_at_outlets)
),

mean_values as (
    select
        point_id,
        parameter_code,
        local_date as period_start,
        {{ days_after('local_date', 1) }} as period_end,
        cast(null as double) as quantity,
        cast(null as double) as measured_quantity,
        value_mean as mean_value,
        cast(null as double) as hours_covered,
        unit,
        'mean' as basis
    from means
    where parameter_code in (select parameter_code from driver_parameters)
),

every_row as (
    select * from days
    union all
    select * from longer
    union all
    select * from concentration_times_flow
    union all
    select * from mean_values
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        every_row.point_id,
        every_row.parameter_code,
        every_row.period_start,
        every_row.period_end,
        every_row.quantity,
        every_row.measured_quantity,
        every_row.mean_value,
        every_row.hours_covered,
        case when every_row.basis = 'long' then every_row.hours_covered else local_days.minutes / cast(60 as double) end as hours_expected,
        every_row.unit,
        every_row.basis
    from every_row
    inner join local_days on every_row.period_start = local_days.local_date
)

select * from final
