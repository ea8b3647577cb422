{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true, 'date_windows': true}},
) }}

{#- Each kind of reading is a scan of its own: one relation read three times would be held in memory whole. -#}
with

totals_as_sent as (
    select * from {{ ref('stg_readings') }}
    where statistic = 'cou'
        and state <> 'not_applicable'
        and {{ touched_filter('point') }}
),

means_as_sent as (
    select * from {{ ref('stg_readings') }}
    where statistic = 'avg'
        and state <> 'not_applicable'
        and {{ touched_filter('point') }}
),

registers_as_sent as (
    select * from {{ ref('stg_readings') }}
    where statistic = 'register'
        and value is not null
        and {{ is_usable() }}
        and {{ touched_filter('point') }}
),

channels as (
    select * from {{ ref('int_channels') }}
),

parameters as (
    select
        parameter_code,
        total_unit,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('stg_parameters') }}
    -- a concentration times hours is no mass: rates are flows, powers and loads
    where total_unit is not null
        and mass_from is null
),

meter_events as (
    select
        point_id,
        parameter_code,
        event_at_utc,
        event_date,
        event_kind,
        final_register,
        -- a reset begins at zero unless it says otherwise; a new meter need not
        case when event_kind = 'reset' then coalesce(initial_register, 0) else initial_register end as initial_register
    from {{ ref('stg_meter_events') }}
    where event_kind in ('exchange', 'reset')
),

-- totals of a period, as sent
interval_totals as (
    select
        readings.point_id,
        readings.parameter_code,
        readings.source_kind,
        readings.period_start_utc,
        readings.period_end_utc,
        readings.local_date,
        case
            when {{ is_usable('readings.') }} then readings.value
            -- a meter that stood still: what it showed, or nothing
            when readings.state = 'stopped' then coalesce(readings.value, 0)
        end * coalesce(channels.multiplier, 1) as quantity,
        readings.unit,
        readings.state,
        'interval' as basis
    from totals_as_sent as readings
    left join channels
        on readings.point_id = channels.point_id
            and readings.parameter_code = channels.parameter_code
            and readings.local_date >= channels.valid_from
            and readings.local_date < channels.valid_to
),

-- means of a flow or power over a period, times its hours: a parameter's unit of a mean is its unit of a total per hour
rates as (
    select
        readings.point_id,
        readings.parameter_code,
        readings.source_kind,
        readings.period_start_utc,
        readings.period_end_utc,
        readings.local_date,
        case
            when {{ is_usable('readings.') }} then readings.value
            when readings.state = 'stopped' then coalesce(readings.value, 0)
        end * {{ seconds_between('readings.period_start_utc', 'readings.period_end_utc') }} / 3600 as quantity,
        parameters.total_unit as unit,
        readings.state,
        'rate' as basis
    from means_as_sent as readings
    inner join channels
        on readings.point_id = channels.point_id
            and readings.parameter_code = channels.parameter_code
            and readings.local_date >= channels.valid_from
            and readings.local_date < channels.valid_to
    inner join parameters
        on readings.parameter_code = parameters.parameter_code
            and readings.local_date >= parameters.valid_from
            and readings.local_date < parameters.valid_to
    where channels.register_kind = 'rate'
),

register_readings as (
    select
        *,
        value / nullif(value_raw, 0) as display_scale
    from registers_as_sent
),

-- what follows the last reading of a day is the first one of the register's next day, however far off
following_days as (
    select
        point_id,
        parameter_code,
        source_kind,
        local_date,
        lead(first_at_utc) over register as at_utc,
        lead(first_value) over register as value,
        lead(first_display_scale) over register as display_scale,
        lead(first_state) over register as state
    from {{ ref('int_register_days') }}
    where {{ touched_since('point') }}
    window register as (
        partition by point_id, parameter_code, source_kind
        order by local_date
    )
),

within_days as (
    select
        *,
        lead(period_start_utc) over day_of_register as next_at_utc,
        lead(value) over day_of_register as next_value,
        lead(display_scale) over day_of_register as next_display_scale,
        lead(state) over day_of_register as next_state
    from register_readings
    window day_of_register as (
        partition by point_id, parameter_code, source_kind, local_date
        order by period_start_utc
    )
),

gaps as (
    select
        within_days.point_id,
        within_days.parameter_code,
        within_days.source_kind,
        within_days.local_date,
        within_days.period_start_utc,
        within_days.value as begin_value,
        within_days.state as begin_state,
        within_days.display_scale as begin_scale,
        coalesce(within_days.next_at_utc, following_days.at_utc) as period_end_utc,
        case when within_days.next_at_utc is null then following_days.value else within_days.next_value end as end_value,
        coalesce(within_days.next_state, following_days.state) as end_state,
        case when within_days.next_at_utc is null then following_days.display_scale else within_days.next_display_scale end as end_scale,
        within_days.unit
    from within_days
    left join following_days
        on within_days.point_id = following_days.point_id
            and within_days.parameter_code = following_days.parameter_code
            and within_days.source_kind = following_days.source_kind
            and within_days.local_date = following_days.local_date
    where coalesce(within_days.next_at_utc, following_days.at_utc) is not null
),

-- exchanges and resets between two readings; one at the very instant of a reading lies on the side the reading is not
gap_events as (
    select
        gaps.point_id,
        gaps.parameter_code,
        gaps.source_kind,
        gaps.local_date,
        gaps.period_start_utc,
        gaps.begin_value,
        gaps.end_value,
        coalesce(gaps.begin_scale, gaps.end_scale) as display_scale,
        meter_events.event_at_utc,
        meter_events.event_date,
        meter_events.event_kind,
        {{ displayed_to_unit('meter_events.final_register', 'coalesce(gaps.begin_scale, gaps.end_scale)') }} as final_value,
        {{ displayed_to_unit('meter_events.initial_register', 'coalesce(gaps.begin_scale, gaps.end_scale)') }} as initial_value
    from gaps
    inner join meter_events
        on gaps.point_id = meter_events.point_id
            and gaps.parameter_code = meter_events.parameter_code
            and meter_events.event_at_utc between gaps.period_start_utc and gaps.period_end_utc
            and not (
                meter_events.event_at_utc = gaps.period_start_utc
                and {{ is_new_meter('gaps.begin_value', 'coalesce(gaps.begin_scale, gaps.end_scale)', 'meter_events.') }}
            )
            and not (
                meter_events.event_at_utc = gaps.period_end_utc
                and not {{ is_new_meter('gaps.end_value', 'coalesce(gaps.begin_scale, gaps.end_scale)', 'meter_events.') }}
            )
),

ordered_gap_events as (
    select
        *,
        row_number() over gap as event_no,
        lead(final_value) over gap as next_final_value,
        lead(event_at_utc) over gap as next_event_at_utc
    from gap_events
    window gap as (
        partition by point_id, parameter_code, source_kind, period_start_utc
        order by event_at_utc, event_kind
    )
),

-- what each meter counted between the readings: up to its removal, or from its installation
meter_shares as (
    select
        point_id,
        parameter_code,
        source_kind,
        period_start_utc,
        local_date as counted_from_date,
        begin_value,
        final_value as end_value,
        display_scale
    from ordered_gap_events
    where event_no = 1
    union all
    select
        point_id,
        parameter_code,
        source_kind,
        period_start_utc,
        event_date as counted_from_date,
        initial_value as begin_value,
        case when next_event_at_utc is null then end_value else next_final_value end as end_value,
        display_scale
    from ordered_gap_events
),

gaps_with_events as (
    select
        meter_shares.point_id,
        meter_shares.parameter_code,
        meter_shares.source_kind,
        meter_shares.period_start_utc,
        count(*) as shares,
        count({{ register_difference('meter_shares.begin_value', 'meter_shares.end_value', 'meter_shares.display_scale') }}) as known_shares,
        sum(
            {{ register_difference('meter_shares.begin_value', 'meter_shares.end_value', 'meter_shares.display_scale') }}
            * coalesce(channels.multiplier, 1)
        ) as quantity
    from meter_shares
    left join channels
        on meter_shares.point_id = channels.point_id
            and meter_shares.parameter_code = channels.parameter_code
            and meter_shares.counted_from_date >= channels.valid_from
            and meter_shares.counted_from_date < channels.valid_to
    group by meter_shares.point_id, meter_shares.parameter_code, meter_shares.source_kind, meter_shares.period_start_utc
),

register_differences as (
    select
        gaps.point_id,
        gaps.parameter_code,
        gaps.source_kind,
        gaps.period_start_utc,
        gaps.period_end_utc,
        gaps.local_date,
        case
            when gaps_with_events.point_id is not null
                then case when gaps_with_events.known_shares = gaps_with_events.shares then gaps_with_events.quantity end
            else
                {{ register_difference('gaps.begin_value', 'gaps.end_value', 'coalesce(gaps.begin_scale, gaps.end_scale)') }}
                * coalesce(channels.multiplier, 1)
        end as quantity,
        gaps.unit,
        {{ less_certain_state('gaps.begin_state', 'gaps.end_state') }} as state,
        'register' as basis
    from gaps
    left join gaps_with_events
        on gaps.point_id = gaps_with_events.point_id
            and gaps.parameter_code = gaps_with_events.parameter_code
            and gaps.source_kind = gaps_with_events.source_kind
            and gaps.period_start_utc = gaps_with_events.period_start_utc
    left join channels
        on gaps.point_id = channels.point_id
            and gaps.parameter_code = channels.parameter_code
            and gaps.local_date >= channels.valid_from
            and gaps.local_date < channels.valid_to
),

every_interval as (
    select * from interval_totals
    union all
    select * from rates
    union all
    select * from register_differences
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        point_id,
        parameter_code,
        source_kind,
        period_start_utc,
        period_end_utc,
        local_date,
        quantity,
        unit,
        -- nothing is silent: a period without a quantity is there, and is missing
        case when quantity is null then 'missing' else state end as state,
        basis
    from every_interval
)

select * from final
