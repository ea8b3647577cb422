{#-
    Readings around complaints whose hour is known: of all outlets of an enterprise, of one outlet, or of one point. How many hours
    before and after is a number of the standards. Computed when it is asked for: complaints are few, hours are many.
-#}
with

rules as (
    select
        value,
        valid_from,
        valid_to,
        case when origin = 'park' then 0 else 1 end as is_shipped
    from {{ ref('stg_supervision_rules') }}
    where rule_id = 'complaint_window_hours'
),

events as (
    select * from {{ ref('stg_events') }}
    where event_kind = 'complaint' and occurred_at_utc is not null
),

-- the park's own number goes before the shipped one
numbered as (
    select
        events.event_id,
        events.subject_kind,
        events.subject_id,
        events.occurred_at_utc,
        rules.value as window_hours,
        row_number() over (partition by events.event_id order by rules.is_shipped asc, rules.valid_from desc) as choice
    from events
    inner join rules
        on events.occurred_on >= rules.valid_from and (rules.valid_to is null or events.occurred_on < rules.valid_to)
),

complaints as (
    select * from numbered
    where choice = 1
),

exceedances as (
    select
        outlet_id,
        pollutant_code,
        period_start_utc,
        max(times_limit) as times_limit
    from {{ ref('exceedances') }}
    where is_binding and limit_kind = 'hourly_concentration'
    group by outlet_id, pollutant_code, period_start_utc
),

outlet_hours as (
    select
        complaints.event_id,
        'outlet' as place_kind,
        hours.outlet_id as place_id,
        hours.enterprise_id,
        hours.pollutant_code as parameter_code,
        hours.hour_start_utc,
        hours.state,
        {{ compared_value('hours') }} as value,
        hours.concentration_unit as unit
    from complaints
    inner join {{ ref('emission_hourly') }} as hours
        on (
            (complaints.subject_kind = 'enterprise' and complaints.subject_id = hours.enterprise_id)
            or (complaints.subject_kind = 'outlet' and complaints.subject_id = hours.outlet_id)
        )
        and {{ whole_seconds_between('complaints.occurred_at_utc', 'hours.hour_start_utc') }}
        between -3600 * (complaints.window_hours + 1) and 3600 * complaints.window_hours
),

-- a station sends a mean or spot values; the hour's value is their mean
point_hours as (
    select
        complaints.event_id,
        'point' as place_kind,
        hours.point_id as place_id,
        cast(null as varchar) as enterprise_id,
        hours.parameter_code,
        hours.hour_start_utc,
        case when sum(hours.valid_periods) > 0 then 'measured' else 'missing' end as state,
        avg(hours.value_mean) as value,
        max(hours.unit) as unit
    from complaints
    inner join {{ ref('point_hourly') }} as hours
        on complaints.subject_id = hours.point_id
            and {{ whole_seconds_between('complaints.occurred_at_utc', 'hours.hour_start_utc') }}
            between -3600 * (complaints.window_hours + 1) and 3600 * complaints.window_hours
    where complaints.subject_kind = 'point' and hours.statistic in ('avg', 'rtd')
    group by complaints.event_id, hours.point_id, hours.parameter_code, hours.hour_start_utc
),

places as (
    select * from outlet_hours
    union all
    select * from point_hours
),

final as (
    select
        places.event_id,
        places.place_kind,
        places.place_id,
        places.enterprise_id,
        places.parameter_code,
        places.hour_start_utc,
        places.state,
        places.value,
        places.unit,
        exceedances.times_limit
    from places
    left join exceedances
        on places.place_kind = 'outlet'
            and places.place_id = exceedances.outlet_id
            and places.parameter_code = exceedances.pollutant_code
            and places.hour_start_utc = exceedances.period_start_utc
)

select * from final
