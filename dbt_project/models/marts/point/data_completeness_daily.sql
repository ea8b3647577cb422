{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park', 'relation': 'int_touched_point_dates', 'measurement_only': true}},
    pre_hook="{{ drop_stale_completeness() }}",
) }}

with

received as (
    select * from {{ ref('point_daily') }}
    where {{ completeness_filter() }}
),

expected as (
    select * from {{ ref('int_expected_channels') }}
),

days as (
    select * from {{ ref('int_local_days') }}
    where {{ completeness_filter() }}
),

span as (
    select * from {{ ref('int_data_span') }}
),

-- every day on which a channel was in service, whether or not anything came
owed as (
    select
        expected.point_id,
        expected.parameter_code,
        expected.statistic,
        expected.source_kind,
        days.local_date,
        {{ expected_periods('expected.step_minutes', 'days.minutes') }} as expected_periods
    from expected
    cross join span
    inner join days
        on days.local_date >= expected.valid_from
            and days.local_date < expected.valid_to
            and days.local_date between span.first_calendar_date and span.last_calendar_date
),

joined as (
    select
        coalesce(owed.point_id, received.point_id) as point_id,
        coalesce(owed.parameter_code, received.parameter_code) as parameter_code,
        coalesce(owed.statistic, received.statistic) as statistic,
        coalesce(owed.source_kind, received.source_kind) as source_kind,
        coalesce(owed.local_date, received.local_date) as local_date,
        owed.point_id is not null as is_in_service,
        coalesce(owed.expected_periods, received.expected_periods) as expected_periods,
        coalesce(received.received_periods, 0) as received_periods,
        coalesce(received.valid_periods, 0) as valid_periods,
        coalesce(received.flagged_periods, 0) as flagged_periods,
        coalesce(received.late_periods, 0) as late_periods
    from owed
    full outer join received
        on owed.point_id = received.point_id
            and owed.parameter_code = received.parameter_code
            and owed.statistic = received.statistic
            and owed.source_kind = received.source_kind
            and owed.local_date = received.local_date
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        point_id,
        parameter_code,
        statistic,
        source_kind,
        local_date,
        is_in_service,
        expected_periods,
        received_periods,
        valid_periods,
        flagged_periods,
        late_periods,
        -- `least` passes a null over and would call an unknown share complete
        case
            when received_periods >= expected_periods then cast(1 as double)
            else cast(received_periods as double) / expected_periods
        end as completeness_share
    from joined
)

select * from final
