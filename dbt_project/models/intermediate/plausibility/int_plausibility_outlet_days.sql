{#-
    What a day of an outlet's pollutant looks like to someone who asks whether it can be true; rules compare later. Hours near
    the limit are counted by whole percents of it, so that a rule may draw its line at any of them.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

{%- set key = ['enterprise_id', 'outlet_id', 'pollutant_code', 'local_date'] %}

with

hours as (
    select
        *,
        {{ compared_value('hours') }} as compared,
        case when mark_code = 'calibration' then extract(hour from hour_start_utc) end as calibration_hour
    from {{ ref('int_emission_hourly') }} as hours
    where {{ touched_filter('enterprise') }}
),

limits as (
    select
        {{ key | join(', ') }},
        min(limit_value) as limit_value
    from {{ ref('limit_compliance_daily') }}
    where is_binding and limit_kind = 'hourly_concentration' and {{ touched_filter('enterprise') }}
    group by {{ key | join(', ') }}
),

-- a pollutant and one that contains it; who names several wholes of one part has the last
parts as (
    select
        parameter_code as part_code,
        max(other_parameter_code) as whole_code
    from {{ ref('stg_plausibility_rules') }}
    where compares = 'part_and_whole'
    group by parameter_code
),

against_whole as (
    select
        {{ 'part.' ~ key | join(', part.') }},
        max(parts.whole_code) as whole_code,
        count(*) as both_hours,
        count(case when part.concentration > whole.concentration then 1 end) as above_whole_hours,
        max(part.concentration / nullif(whole.concentration, 0)) as whole_share_max
    from hours as part
    inner join parts on part.pollutant_code = parts.part_code
    inner join hours as whole
        on parts.whole_code = whole.pollutant_code
            and part.enterprise_id = whole.enterprise_id
            and part.outlet_id = whole.outlet_id
            and part.local_date = whole.local_date
            and part.hour_start_utc = whole.hour_start_utc
    where part.concentration is not null and whole.concentration is not null
    group by {{ 'part.' ~ key | join(', part.') }}
),

with_limit as (
    select
        hours.*,
        limits.limit_value,
        hours.compared / nullif(limits.limit_value, 0) as times_limit,
        -- what stands exactly at the limit belongs to the last percent below it
        case when hours.compared = limits.limit_value then 99 else floor(100 * hours.compared / nullif(limits.limit_value, 0)) end as near_percent,
        -- only where the oxygen of the hour is known is our conversion a second opinion
        case
            when hours.medium = 'air' and hours.excess_air is not null and hours.reference_oxygen_percent is not null
                then hours.concentration_corrected_reported / nullif(hours.concentration_corrected, 0)
        end as converted_ratio,
        case when hours.concentration_flow_kg > 0 then hours.reported_kg / hours.concentration_flow_kg end as product_ratio
    from hours
    left join limits
        on hours.enterprise_id = limits.enterprise_id
            and hours.outlet_id = limits.outlet_id
            and hours.pollutant_code = limits.pollutant_code
            and hours.local_date = limits.local_date
),

by_day as (
    select
        {{ key | join(', ') }},
        max(medium) as medium,
        max(concentration_unit) as unit,
        max(limit_value) as limit_value,
        count(*) as hours,
        count(concentration) as value_hours,
        count(case when validity_basis = 'marked_or_missing' then 1 end) as marked_hours,
        count(case when validity_basis = 'too_few_valid_values' then 1 end) as short_hours,
        cast(min(calibration_hour) as integer) as calibration_hour,
        count(calibration_hour) as calibration_hours,
        avg(concentration) as value_mean,
        count(nullif(flow_reported_m3, 0)) as flow_hours,
        avg(case when operating_state = 'operating' then flow_m3 end) as flow_mean,
        count(flow_m3) as flow_known_hours,
        sum(flow_m3) as flow_m3,
        sum(oxygen_percent * flow_m3) / nullif(sum(case when oxygen_percent is not null then flow_m3 end), 0) as oxygen_percent,
        count(case when operating_state = 'stopped' and concentration_reported > 0 then 1 end) as stopped_value_hours,
        max(case when operating_state = 'stopped' then concentration_reported end) as stopped_value_max,
        count(case when operating_state = 'operating' and concentration_reported > 0 and flow_reported_m3 = 0 then 1 end) as zero_flow_hours,
        count(case when operating_state = 'operating' and concentration_reported > 0 and flow_reported_m3 is null then 1 end) as no_flow_hours,
        max(case when coalesce(flow_reported_m3, 0) = 0 then concentration_reported end) as no_flow_value_max,
        count(converted_ratio) as converted_hours,
        avg(converted_ratio) as converted_ratio,
        count(product_ratio) as product_hours,
        avg(product_ratio) as product_ratio,
        count(times_limit) as judged_hours,
        {%- for percent in range(90, 100) %}
        count(case when near_percent = {{ percent }} then 1 end) as limit_{{ percent }}_hours,
        {%- endfor %}
        count(case when times_limit > 1 then 1 end) as above_limit_hours
    from with_limit
    group by {{ key | join(', ') }}
),

final as (
    select
        by_day.*,
        against_whole.whole_code,
        coalesce(against_whole.both_hours, 0) as both_hours,
        coalesce(against_whole.above_whole_hours, 0) as above_whole_hours,
        against_whole.whole_share_max
    from by_day
    left join against_whole
        on by_day.enterprise_id = against_whole.enterprise_id
            and by_day.outlet_id = against_whole.outlet_id
            and by_day.pollutant_code = against_whole.pollutant_code
            and by_day.local_date = against_whole.local_date
)

select * from final
