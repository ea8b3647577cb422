{#- Channels that send by themselves, day by day, with whose they are and what of the day arrived: also days without anything. -#}
with

since as (
    select * from {{ ref('int_plausible_since') }}
),

arrived as (
    select * from {{ ref('data_completeness_daily') }}
    where source_kind in ('automatic', 'platform_copy')
        and statistic in ('avg', 'rtd', 'cou', 'zs_avg', 'zs_rtd')
),

points as (
    select * from {{ ref('int_point_owners') }}
),

-- means of the same day over shorter and longer periods; an amount of periods without non-detects each
lengths as (
    select
        point_id,
        parameter_code,
        statistic,
        source_kind,
        local_date,
        min_by(mean_sum / usable_readings, period_seconds) as shorter_mean,
        max_by(mean_sum / usable_readings, period_seconds) as longer_mean,
        min_by(usable_readings * period_seconds, period_seconds) / cast(3600 as double) as shorter_hours,
        max_by(usable_readings * period_seconds, period_seconds) / cast(3600 as double) as longer_hours
    from {{ ref('int_reading_days') }}
    where statistic = 'avg' and period_seconds between 1 and 86400 and usable_readings > 0 and nd_periods = 0
    group by point_id, parameter_code, statistic, source_kind, local_date
    having count(*) > 1
),

pollutants as (
    select distinct parameter_code from {{ ref('stg_parameters') }}
    where kind = 'pollutant'
),

final as (
    select
        arrived.point_id,
        arrived.parameter_code,
        arrived.statistic,
        arrived.source_kind,
        arrived.local_date,
        points.enterprise_id,
        points.outlet_id,
        points.process_id,
        pollutants.parameter_code is not null as is_pollutant,
        arrived.expected_periods,
        arrived.received_periods,
        arrived.valid_periods,
        arrived.late_periods,
        features.unit,
        features.range_max,
        features.range_min,
        features.hours,
        features.nd_hours,
        features.stopped_hours,
        features.value_mean,
        features.value_min,
        features.value_max,
        features.value_variance,
        features.hours_at_max,
        features.steps,
        features.unchanged_hours,
        features.moving_hours,
        features.step_square_sum,
        features.step_max,
        features.shape,
        features.block_1,
        features.block_2,
        features.block_3,
        features.block_4,
        features.block_5,
        features.block_6,
        lengths.shorter_mean,
        lengths.longer_mean,
        lengths.shorter_hours,
        lengths.longer_hours
    from arrived
    cross join since
    left join {{ ref('int_plausibility_channel_days') }} as features
        on arrived.point_id = features.point_id
            and arrived.parameter_code = features.parameter_code
            and arrived.statistic = features.statistic
            and arrived.source_kind = features.source_kind
            and arrived.local_date = features.local_date
    left join lengths
        on arrived.point_id = lengths.point_id
            and arrived.parameter_code = lengths.parameter_code
            and arrived.statistic = lengths.statistic
            and arrived.source_kind = lengths.source_kind
            and arrived.local_date = lengths.local_date
    left join points
        on arrived.point_id = points.point_id and {{ holds_on('points', 'arrived.local_date') }}
    left join pollutants on arrived.parameter_code = pollutants.parameter_code
    where arrived.local_date between since.first_date and since.last_date
)

select * from final
