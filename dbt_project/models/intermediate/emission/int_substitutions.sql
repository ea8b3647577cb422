{#-
    What stands in for masses that were not measured (数据修约): one row per hour, or by the rules of wastewater per day, that is a gap,
    with the rule that speaks for it and what the rule finds.

    A gap is what follows on each other without a known mass, standstill apart; it ends with its quarter, because the capture rate is a
    quarter's. A window counts valid hours and reaches as far back as it must: quarters say how far. A row that is
    the same as before keeps its change_seq; a gap that has been filled stays as a row that is none (is_gap), so that its date is
    restated once.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {
        'entity': 'park', 'relation': 'int_touched_substitution_quarters', 'period': 'quarter', 'date': 'quarter_start_date',
    }},
) }}

{%- set key = ['outlet_id', 'pollutant_code', 'unit', 'local_date', 'hour_start_utc'] %}
{%- set series = ['outlet_id', 'pollutant_code', 'unit'] %}
{%- set day_of_series = ['outlet_id', 'pollutant_code', 'local_date'] %}
{%- set gap = series + ['quarter_start_date', 'gap_no'] %}
{%- set found = [
    'medium', 'quarter_start_date', 'period_kind', 'gap_periods', 'capture_rate', 'rule_id', 'statistic', 'anchor_at_utc', 'window_start_utc',
    'window_end_utc', 'window_found', 'source_start_utc', 'value_kg', 'state', 'reason', 'reaches_back_to',
] %}
{%- set this_change = through_change_seq() or 0 %}

with

rules as (
    select
        rules.*,
        rule_sets.outlet_id,
        greatest(rule_sets.valid_from, rules.valid_from) as holds_from,
        least(rule_sets.valid_to, coalesce(rules.valid_to, {{ end_of_time() }})) as holds_until
    from {{ ref('stg_substitution_rules') }} as rules
    inner join {{ ref('int_outlet_rule_sets') }} as rule_sets
        on rule_sets.topic = 'substitution_rules' and rules.rule_set = rule_sets.rule_set and rules.medium = rule_sets.medium
),

capture as (
    select * from {{ ref('int_emission_capture_quarterly') }}
    where {{ touched_filter('park', date='quarter_start_date', relation='int_touched_substitution_quarters') }}
),

hours as (
    select
        outlet_id,
        pollutant_code,
        hour_start_utc,
        local_date,
        state,
        mass_kg
    from {{ ref('int_emission_hourly') }}
    where {{ touched_filter('park', relation='int_touched_substitution_quarters') }}
),

local_days as (
    select
        *,
        minutes / cast(60 as double) as hours
    from {{ ref('int_local_days') }}
),

known_days as (
    select
        outlet_id,
        pollutant_code,
        local_date,
        count(mass_kg) as known_hours,
        count(*) filter (where state = 'stopped') as stopped_hours
    from hours
    group by outlet_id, pollutant_code, local_date
),

-- days of service that lack something; most lack nothing
open_days as (
    select
        capture.outlet_id,
        capture.pollutant_code,
        capture.medium,
        capture.quarter_start_date,
        capture.capture_rate,
        local_days.local_date,
        local_days.day_start_utc,
        local_days.day_end_utc,
        local_days.hours,
        coalesce(known_days.known_hours, 0) as known_hours,
        coalesce(known_days.stopped_hours, 0) as stopped_hours
    from capture
    inner join local_days on local_days.local_date between capture.first_date and capture.last_date
    left join known_days
        on capture.outlet_id = known_days.outlet_id
            and capture.pollutant_code = known_days.pollutant_code
            and local_days.local_date = known_days.local_date
    where coalesce(known_days.known_hours, 0) < local_days.hours
),

-- which unit the rules of a day have, and what it takes to be no gap
judged_days as (
    select
        open_days.outlet_id,
        open_days.pollutant_code,
        open_days.local_date,
        rules.unit,
        max(rules.valid_share) as valid_share
    from open_days
    inner join rules
        on open_days.outlet_id = rules.outlet_id
            and open_days.local_date >= rules.holds_from
            and open_days.local_date < rules.holds_until
            and {{ is_of_rule('open_days.pollutant_code') }}
    group by open_days.outlet_id, open_days.pollutant_code, open_days.local_date, rules.unit
),

hour_numbers as (
    select 0 as hour_no
    {%- for number in range(1, 25) %}
    union all
    select {{ number }}
    {%- endfor %}
),

gap_periods as (
    select
        open_days.*,
        'hour' as unit,
        {{ hours_after("date_trunc('hour', open_days.day_start_utc)", '(hour_numbers.hour_no)') }} as period_start_utc
    from open_days
    inner join judged_days
        on {{ equal_columns('open_days', 'judged_days', day_of_series) }}
            and judged_days.unit = 'hour'
    cross join hour_numbers
    left join hours
        on {{ equal_columns('open_days', 'hours', day_of_series) }}
            and hours.hour_start_utc = {{ hours_after("date_trunc('hour', open_days.day_start_utc)", '(hour_numbers.hour_no)') }}
    where {{ hours_after("date_trunc('hour', open_days.day_start_utc)", '(hour_numbers.hour_no)') }} < open_days.day_end_utc
        and hours.mass_kg is null

    union all

    select
        open_days.*,
        'day' as unit,
        open_days.day_start_utc as period_start_utc
    from open_days
    inner join judged_days
        on {{ equal_columns('open_days', 'judged_days', day_of_series) }}
            and judged_days.unit = 'day'
    where open_days.known_hours - open_days.stopped_hours < judged_days.valid_share * (open_days.hours - open_days.stopped_hours)
),

numbered as (
    select
        *,
        floor({{ seconds_between("cast('1970-01-01' as timestamp)", 'period_start_utc') }} / case unit when 'hour' then 3600 else 86400 end)
        - row_number() over (partition by outlet_id, pollutant_code, unit, quarter_start_date order by period_start_utc) as gap_no
    from gap_periods
),

-- a filed mark says that the device was out of control; a gap is of that kind if any of it is
controls as (
    select * from {{ ref('int_filed_mark_hours') }}
    where is_out_of_control = 1
),

gaps as (
    select
        {%- for column in gap %}
        numbered.{{ column }},
        {%- endfor %}
        max(numbered.medium) as medium,
        max(numbered.capture_rate) as capture_rate,
        min(numbered.period_start_utc) as gap_start_utc,
        min(numbered.local_date) as gap_date,
        max(coalesce(controls.is_out_of_control, 0)) as is_out_of_control,
        count(distinct numbered.period_start_utc) as gap_periods
    from numbered
    left join controls
        on numbered.outlet_id = controls.outlet_id
            and numbered.local_date = controls.local_date
            and controls.parameter_code in ('-', numbered.pollutant_code)
            and (numbered.unit = 'day' or numbered.period_start_utc = controls.hour_start_utc)
    group by numbered.{{ gap | join(', numbered.') }}
),

calibrations as (
    select distinct
        outlet_points.outlet_id,
        events.parameter_code as pollutant_code,
        events.event_at_utc
    from {{ ref('stg_meter_events') }} as events
    inner join {{ ref('int_outlet_points') }} as outlet_points
        on events.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'events.event_date') }}
    where events.event_kind = 'recalibration'
),

units as (
    select 'hour' as unit
    union all
    select 'day' as unit
),

gaps_and_calibrations as (
    select
        outlet_id,
        pollutant_code,
        unit,
        gap_no,
        quarter_start_date,
        gap_start_utc as at_utc,
        cast(null as timestamp) as calibrated_at_utc
    from gaps
    union all
    select
        calibrations.outlet_id,
        calibrations.pollutant_code,
        units.unit,
        null as gap_no,
        null as quarter_start_date,
        calibrations.event_at_utc as at_utc,
        calibrations.event_at_utc as calibrated_at_utc
    from calibrations
    cross join units
),

last_calibrations as (
    select
        *,
        max(calibrated_at_utc) over (
            partition by outlet_id, pollutant_code, unit
            order by at_utc, case when gap_no is null then 0 else 1 end
            rows between unbounded preceding and current row
        ) as last_calibrated_at_utc
    from gaps_and_calibrations
),

ruled as (
    select
        gaps.*,
        case gaps.is_out_of_control when 1 then 'out_of_control' else 'other' end as period_kind,
        rules.rule_id,
        rules.statistic,
        coalesce(rules.window_periods, gaps.gap_periods) as window_periods,
        case
            when rules.statistic = 'none' then null
            when rules.anchor = 'last_calibration' then coalesce(last_calibrations.last_calibrated_at_utc, gaps.gap_start_utc)
            else gaps.gap_start_utc
        end as anchor_at_utc
    from gaps
    left join last_calibrations
        on {{ equal_columns('gaps', 'last_calibrations', gap) }}
    inner join rules
        on gaps.outlet_id = rules.outlet_id
            and gaps.unit = rules.unit
            and gaps.gap_date >= rules.holds_from
            and gaps.gap_date < rules.holds_until
            and {{ is_of_rule('gaps.pollutant_code') }}
            and rules.period_kind in ('any', case gaps.is_out_of_control when 1 then 'out_of_control' else 'other' end)
            and gaps.capture_rate >= rules.capture_from
            and (rules.capture_below is null or gaps.capture_rate < rules.capture_below)
            and gaps.gap_periods > rules.gap_above
            and (rules.gap_up_to is null or gaps.gap_periods <= rules.gap_up_to)
),

-- how far back the windows must look: quarters, latest first, until they hold enough of what is valid
wanted as (
    select
        outlet_id,
        pollutant_code,
        unit,
        min({{ period_start('cast(anchor_at_utc as date)', 'quarter') }}) as anchor_quarter,
        max(window_periods) as window_periods
    from ruled
    where anchor_at_utc is not null
    group by outlet_id, pollutant_code, unit
),

earlier_quarters as (
    select
        wanted.outlet_id,
        wanted.pollutant_code,
        wanted.unit,
        wanted.window_periods,
        capture.quarter_start_date,
        sum(case wanted.unit when 'hour' then capture.valid_hours else capture.whole_days end) over (
            partition by wanted.outlet_id, wanted.pollutant_code, wanted.unit
            order by capture.quarter_start_date desc
            rows between unbounded preceding and 1 preceding
        ) as later_periods
    from wanted
    inner join {{ ref('int_emission_capture_quarterly') }} as capture
        on wanted.outlet_id = capture.outlet_id
            and wanted.pollutant_code = capture.pollutant_code
            and capture.quarter_start_date < wanted.anchor_quarter
),

reach as (
    select
        wanted.outlet_id,
        wanted.pollutant_code,
        wanted.unit,
        coalesce(min(earlier_quarters.quarter_start_date), min(wanted.anchor_quarter)) as first_date
    from wanted
    left join earlier_quarters
        on {{ equal_columns('wanted', 'earlier_quarters', series) }}
            and coalesce(earlier_quarters.later_periods, 0) < earlier_quarters.window_periods
    group by wanted.outlet_id, wanted.pollutant_code, wanted.unit
),

first_reach as (
    select {{ days_after('min(first_date)', -1) }} as first_date from reach
),

valid_hours as (
    select
        hours.outlet_id,
        hours.pollutant_code,
        reach.unit,
        hours.local_date,
        hours.hour_start_utc,
        hours.state,
        hours.mass_kg
    from {{ ref('int_emission_hourly') }} as hours
    inner join reach
        on hours.outlet_id = reach.outlet_id
            and hours.pollutant_code = reach.pollutant_code
            -- the first day of a quarter begins before midnight UTC in the east
            and hours.local_date >= {{ days_after('reach.first_date', -1) }}
    where hours.local_date >= (select first_date from first_reach)
        and hours.mass_kg is not null
),

loads_of_days as (
    select
        outlet_id,
        pollutant_code,
        unit,
        local_date,
        sum(mass_kg) as mass_kg,
        count(*) filter (where state = 'stopped') as stopped_hours,
        count(*) filter (where state = 'measured') as measured_hours
    from valid_hours
    where unit = 'day'
    group by outlet_id, pollutant_code, unit, local_date
),

day_shares as (
    select
        outlet_id,
        max(valid_share) as valid_share
    from rules
    where unit = 'day'
    group by outlet_id
),

valid_periods as (
    select
        outlet_id,
        pollutant_code,
        unit,
        hour_start_utc as period_start_utc,
        {{ hours_after('hour_start_utc', 1) }} as period_end_utc,
        mass_kg
    from valid_hours
    where unit = 'hour' and state = 'measured'

    union all

    select
        days.outlet_id,
        days.pollutant_code,
        days.unit,
        local_days.day_start_utc as period_start_utc,
        local_days.day_end_utc as period_end_utc,
        days.mass_kg
    from loads_of_days as days
    inner join local_days on days.local_date = local_days.local_date
    inner join day_shares on days.outlet_id = day_shares.outlet_id
    where days.measured_hours > 0 and days.measured_hours >= day_shares.valid_share * (local_days.hours - days.stopped_hours)
),

ranked as (
    select
        *,
        {%- for window in substitution_windows() %}
        max(mass_kg) over (ordered_periods rows between {{ window - 1 }} preceding and current row) as max_{{ window }},
        {%- endfor %}
        sum(mass_kg) over (ordered_periods rows between unbounded preceding and current row) as running_kg,
        row_number() over ordered_periods as period_no
    from valid_periods
    window ordered_periods as (partition by outlet_id, pollutant_code, unit order by period_start_utc)
),

periods_and_anchors as (
    select
        outlet_id,
        pollutant_code,
        unit,
        period_end_utc as at_utc,
        period_no,
        false as is_anchor
    from ranked
    union all
    select distinct
        outlet_id,
        pollutant_code,
        unit,
        anchor_at_utc as at_utc,
        cast(null as bigint) as period_no,
        true as is_anchor
    from ruled
    where anchor_at_utc is not null
),

anchored as (
    select
        *,
        max(period_no) over (
            partition by outlet_id, pollutant_code, unit
            order by at_utc, is_anchor
            rows between unbounded preceding and current row
        ) as last_period_no
    from periods_and_anchors
),

windows as (
    select
        ruled.*,
        anchored.last_period_no,
        greatest(anchored.last_period_no - ruled.window_periods + 1, 1) as first_period_no
    from ruled
    left join anchored
        on {{ equal_columns('ruled', 'anchored', series) }}
            and ruled.anchor_at_utc = anchored.at_utc
            and anchored.is_anchor
),

looked_up as (
    select
        windows.*,
        first_periods.period_start_utc as window_start_utc,
        last_periods.period_end_utc as window_end_utc,
        case
            when windows.statistic = 'mean'
                then (last_periods.running_kg - first_periods.running_kg + first_periods.mass_kg)
                    / (windows.last_period_no - windows.first_period_no + 1)
            {%- for window in substitution_windows() %}
            when windows.window_periods = {{ window }} then last_periods.max_{{ window }}
            {%- endfor %}
        end as value_kg
    from windows
    left join ranked as last_periods
        on {{ equal_columns('windows', 'last_periods', series) }}
            and windows.last_period_no = last_periods.period_no
    left join ranked as first_periods
        on {{ equal_columns('windows', 'first_periods', series) }}
            and windows.first_period_no = first_periods.period_no
),

-- the latest period of the window that had the greatest mass
sources as (
    select
        {%- for column in gap %}
        looked_up.{{ column }},
        {%- endfor %}
        max(ranked.period_start_utc) as source_start_utc
    from looked_up
    inner join ranked
        on {{ equal_columns('looked_up', 'ranked', series) }}
            and looked_up.value_kg = ranked.mass_kg
            and ranked.period_no between looked_up.first_period_no and looked_up.last_period_no
    where looked_up.statistic = 'max'
    group by looked_up.{{ gap | join(', looked_up.') }}
),

current_rows as (
    select
        numbered.outlet_id,
        numbered.pollutant_code,
        numbered.unit,
        numbered.local_date,
        case numbered.unit when 'hour' then numbered.period_start_utc end as hour_start_utc,
        numbered.medium,
        numbered.quarter_start_date,
        looked_up.period_kind,
        looked_up.gap_periods,
        numbered.capture_rate,
        looked_up.rule_id,
        looked_up.statistic,
        looked_up.anchor_at_utc,
        looked_up.window_start_utc,
        looked_up.window_end_utc,
        cast(looked_up.last_period_no - looked_up.first_period_no + 1 as bigint) as window_found,
        sources.source_start_utc,
        looked_up.value_kg,
        case when looked_up.value_kg is not null then 'substituted' else 'missing' end as state,
        case
            when looked_up.value_kg is not null then null
            when looked_up.statistic = 'none' then 'capture_too_low'
            when looked_up.rule_id is null then 'no_rule'
            else 'no_valid_period_before'
        end as reason,
        -- a window that is not full would take anything that is older
        case
            when looked_up.anchor_at_utc is null then numbered.local_date
            when looked_up.last_period_no >= looked_up.window_periods
                then {{ days_after('cast(looked_up.window_start_utc as date)', -1) }}
            else cast('0001-01-01' as date)
        end as reaches_back_to
    from numbered
    left join looked_up
        on {{ equal_columns('numbered', 'looked_up', gap) }}
    left join sources
        on {{ equal_columns('numbered', 'sources', gap) }}
),

{%- if is_incremental() %}

rows_before as (
    select * from {{ this }}
    where {{ touched_filter('park', date='quarter_start_date', relation='int_touched_substitution_quarters') }}
),

final as (
    select
        {%- for column in key %}
        current_rows.{{ column }},
        {%- endfor %}
        {%- for column in found %}
        current_rows.{{ column }},
        {%- endfor %}
        true as is_gap,
        case
            when rows_before.is_gap
                and coalesce(rows_before.rule_id, '-') = coalesce(current_rows.rule_id, '-')
                and rows_before.state = current_rows.state
                and coalesce(abs(rows_before.value_kg - current_rows.value_kg) <= 1e-9 * abs(current_rows.value_kg), true)
                then rows_before.change_seq
            else {{ this_change }}
        end as change_seq
    from current_rows
    left join rows_before
        on {{ equal_columns('current_rows', 'rows_before', key, 'is not distinct from') }}

    union all

    select
        {%- for column in key %}
        rows_before.{{ column }},
        {%- endfor %}
        {%- for column in found %}
        rows_before.{{ column }},
        {%- endfor %}
        false as is_gap,
        case when rows_before.is_gap then {{ this_change }} else rows_before.change_seq end as change_seq
    from rows_before
    left join current_rows
        on {{ equal_columns('current_rows', 'rows_before', key, 'is not distinct from') }}
    where current_rows.outlet_id is null
)
{%- else %}

final as (
    select
        {{ key | join(', ') }},
        {{ found | join(', ') }},
        true as is_gap,
        {{ this_change }} as change_seq
    from current_rows
)
{%- endif %}

select * from final
