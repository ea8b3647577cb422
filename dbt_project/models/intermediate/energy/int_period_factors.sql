{#-
    Factors for quantities that are known for a whole month, quarter or year only: the mean over its days. Null where on some
    day none is in force.
-#}
{%- set measures = ['tce_calorific', 'tce_primary', 'tce_working_medium', 'co2e'] %}
{%- set shares = ['own_energy', 'own_carbon'] %}

with

segments as (
    select * from {{ ref('int_factor_segments') }}
),

periods as (
    {%- for grain in longer_periods() %}
    select distinct
        '{{ grain }}' as grain,
        {{ period_start('local_date', grain) }} as period_start,
        {{ period_end(period_start('local_date', grain), grain) }} as period_end
    from {{ ref('int_local_days') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

overlapping as (
    select
        segments.*,
        periods.grain,
        periods.period_start,
        {{ days_between('periods.period_start', 'periods.period_end') }} as period_days,
        {{ days_between('greatest(segments.valid_from, periods.period_start)', 'least(segments.valid_to, periods.period_end)') }} as days
    from segments
    inner join periods
        on segments.valid_from < periods.period_end and segments.valid_to > periods.period_start
),

final as (
    select
        item_code,
        grain,
        {%- for measure in measures %}
        {{ mean_over_days(measure) }} as {{ measure }},
        {{ distinct_texts(measure ~ '_factor_id') }} as {{ measure }}_factor_id,
        {%- endfor %}
        max(co2e_scope) as co2e_scope,
        {{ weakest_verification('verification_status') }} as verification_status,
        {%- for share in shares %}
        -- as on a day: without a rule all counts
        sum(coalesce({{ share }}, 1) * days) / sum(days) as {{ share }},
        {%- endfor %}
        period_start
    from overlapping
    group by item_code, grain, period_start
)

select * from final
