{#-
    Completeness owes rows to days on which nothing came, so three things alter it that touch no reading: the calendar grew
    or shrank with the newest or oldest date of the park, a channel delivered for the first time, a channel's last reading
    was withdrawn. Before the model runs, days that no longer hold what they should are emptied; it then fills every day of
    the calendar it finds empty, beside the touched ones. Costs two aggregations of this small table, not of readings.
-#}
{% macro drop_stale_completeness() -%}
    {%- set channels = ref('int_expected_channels') -%}
    {%- set days = ref('int_local_days') -%}
    {%- set span = ref('int_data_span') -%}
    {%- if execute and is_incremental() %}
-- what came of a channel that owes nothing daily (a weekly sample) stays: such rows are not in service
delete from {{ this }}
where is_in_service and not exists (
    select 1 from {{ channels }} as expected
    where expected.point_id = {{ this }}.point_id
        and expected.parameter_code = {{ this }}.parameter_code
        and expected.statistic = {{ this }}.statistic
        and expected.source_kind = {{ this }}.source_kind
);
delete from {{ this }}
where local_date in (
    with owed as (
        select days.local_date, count(*) as row_count
        from {{ channels }} as expected
        cross join {{ span }} as span
        inner join {{ days }} as days
            on days.local_date >= expected.valid_from
                and days.local_date < expected.valid_to
                and days.local_date between span.first_calendar_date and span.last_calendar_date
        group by days.local_date
    ),
    held as (
        select local_date, count(*) filter (where is_in_service) as row_count from {{ this }} group by local_date
    )
    select held.local_date from held
    left join owed on held.local_date = owed.local_date
    where coalesce(owed.row_count, 0) <> held.row_count
);
    {%- endif -%}
{%- endmacro %}

{#- Touched days, and days of the calendar that have no rows yet. -#}
{% macro completeness_filter() -%}
({{ touched_filter('park', relation='int_touched_point_dates') }}
    {%- if execute and build_watermark() is not none %}
        or local_date not in (select held.local_date from {{ this }} as held)
    {%- endif %})
{%- endmacro %}
