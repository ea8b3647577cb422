{#-
    One way of knowing a quantity per day. The same energy may arrive as interval totals, as register counts and typed in
    by hand, and an automatic station sends ten minutes, hours and the day side by side: adding them would count it two or three
    times.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true}},
) }}

with

intervals as (
    select
        *,
        {{ whole_seconds_between('period_start_utc', 'period_end_utc') }} as seconds
    from {{ ref('int_meter_intervals') }}
    where {{ touched_filter('point') }}
),

channels as (
    select * from {{ ref('int_channels') }}
),

-- intervals of one length tile the day; registers are read at any time, and their differences never overlap
by_length as (
    select
        park_id,
        point_id,
        parameter_code,
        local_date,
        source_kind,
        basis,
        case when basis = 'register' then 0 else seconds end as length_seconds,
        sum(quantity) as quantity,
        sum(case when state in ('measured', 'stopped') then quantity end) as measured_quantity,
        sum(case when state = 'estimated' then quantity end) as estimated_quantity,
        sum(case when state = 'substituted' then quantity end) as substituted_quantity,
        sum(case when state = 'self_reported' then quantity end) as self_reported_quantity,
        sum(case when quantity is not null then seconds else 0 end) as seconds_covered,
        sum(seconds) as seconds,
        min(period_start_utc) as first_start_utc,
        max(period_end_utc) as last_end_utc,
        max(unit) as unit
    from intervals
    group by
        park_id,
        point_id,
        parameter_code,
        local_date,
        source_kind,
        basis,
        case when basis = 'register' then 0 else seconds end
),

with_channel as (
    select
        by_length.*,
        channels.register_kind,
        channels.step_minutes,
        {{ lengths_overlap('by_length.seconds', 'by_length.first_start_utc', 'by_length.last_end_utc', 'whole') }} as lengths_overlap
    from by_length
    left join channels
        on by_length.point_id = channels.point_id
            and by_length.parameter_code = channels.parameter_code
            and by_length.local_date >= channels.valid_from
            and by_length.local_date < channels.valid_to
    window whole as (
        partition by by_length.point_id, by_length.parameter_code, by_length.local_date, by_length.source_kind, by_length.basis
    )
),

ranked_lengths as (
    select
        *,
        row_number() over (
            partition by point_id, parameter_code, local_date, source_kind, basis
            order by {{ preferred_length('length_seconds', 'seconds_covered') }}
        ) as length_rank
    from with_channel
),

-- lengths that overlap are alternatives, others add up
by_way as (
    select
        park_id,
        point_id,
        parameter_code,
        local_date,
        source_kind,
        basis,
        max(register_kind) as register_kind,
        sum(quantity) as quantity,
        sum(measured_quantity) as measured_quantity,
        sum(estimated_quantity) as estimated_quantity,
        sum(substituted_quantity) as substituted_quantity,
        sum(self_reported_quantity) as self_reported_quantity,
        sum(seconds_covered) as seconds_covered,
        max(unit) as unit
    from ranked_lengths
    where length_rank = 1 or not lengths_overlap
    group by park_id, point_id, parameter_code, local_date, source_kind, basis
),

ranked_ways as (
    select
        *,
        row_number() over (
            partition by point_id, parameter_code, local_date
            order by
                case when quantity is null then 1 else 0 end,
                case source_kind
                    when 'automatic' then 1
                    when 'platform_copy' then 2
                    when 'manual_lab' then 3
                    else 4
                end,
                -- the register says how totals arrive; where it does not, the least derived comes first
                case
                    when register_kind = 'interval' and basis = 'interval' then 0
                    when register_kind = 'cumulative' and basis = 'register' then 0
                    when register_kind = 'rate' and basis = 'rate' then 0
                    when basis = 'interval' then 1
                    when basis = 'register' then 2
                    else 3
                end
        ) as way_rank
    from by_way
),

final as (
    select
        park_id,
        point_id,
        parameter_code,
        local_date,
        quantity,
        case when quantity is not null then coalesce(measured_quantity, 0) end as measured_quantity,
        case when quantity is not null then coalesce(estimated_quantity, 0) end as estimated_quantity,
        case when quantity is not null then coalesce(substituted_quantity, 0) end as substituted_quantity,
        case when quantity is not null then coalesce(self_reported_quantity, 0) end as self_reported_quantity,
        seconds_covered / cast(3600 as double) as hours_covered,
        unit,
        source_kind,
        basis
    from ranked_ways
    where way_rank = 1
)

select * from final
