{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true}},
) }}

with

lengths as (
    select
        *,
        case when period_seconds = 0 then 0 else period_seconds * readings end as seconds
    from {{ ref('int_reading_days') }}
    where {{ touched_filter('point') }}
        -- the longest local day has 25 hours; what is longer belongs to no day
        and period_seconds <= 90000
),

channels as (
    select * from {{ ref('int_channels') }}
),

days as (
    select * from {{ ref('int_local_days') }}
),

compared_lengths as (
    select
        lengths.*,
        channels.step_minutes,
        {{ lengths_overlap('lengths.seconds', 'lengths.first_start_utc', 'lengths.last_end_utc', 'day_of_channel') }} as lengths_overlap
    from lengths
    left join channels
        on lengths.point_id = channels.point_id
            and lengths.parameter_code = channels.parameter_code
            and lengths.local_date >= channels.valid_from
            and lengths.local_date < channels.valid_to
    window day_of_channel as (
        partition by lengths.point_id, lengths.parameter_code, lengths.statistic, lengths.source_kind, lengths.local_date
    )
),

ranked_lengths as (
    select
        *,
        row_number() over (
            partition by point_id, parameter_code, statistic, source_kind, local_date
            order by {{ preferred_length('period_seconds', 'seconds') }}
        ) as length_rank
    from compared_lengths
),

channel_days as (
    select
        point_id,
        parameter_code,
        statistic,
        source_kind,
        local_date,
        max(step_minutes) as step_minutes,
        sum(flagged_periods) as flagged_periods,
        sum(late_periods) as late_periods,
        {{ reading_sums_merged() }}
    from ranked_lengths
    where length_rank = 1 or not lengths_overlap
    group by point_id, parameter_code, statistic, source_kind, local_date
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        channel_days.point_id,
        channel_days.parameter_code,
        channel_days.statistic,
        channel_days.source_kind,
        channel_days.local_date,
        {{ reading_values() }},
        {{ expected_periods('channel_days.step_minutes', 'days.minutes') }} as expected_periods,
        -- a period said to be missing has been received as a row, and not as a value
        cast(channel_days.readings - channel_days.missing_periods - channel_days.not_applicable_periods as bigint) as received_periods,
        cast(channel_days.flagged_periods as bigint) as flagged_periods,
        cast(channel_days.late_periods as bigint) as late_periods,
        {{ state_shares() }}
    from channel_days
    left join days on channel_days.local_date = days.local_date
    {{ nd_policy_join('channel_days') }}
)

select * from final
