{#-
    What a reading counts for. One definition for every model that aggregates readings:

    usable  it has a number, no flag but normal (N) or manual (S), and a state that carries a value
    valid   it is usable and was measured
    A non-detect has a number when either its value or its detection limit is given. What it counts as in a mean is the audit's
    policy (nd_policies.csv), applied where the mean is made; until then values and limits are added up apart. Minimum, maximum
    and sum take the value as reported.
-#}

{% macro flag_is_normal(alias='') -%}
({{ alias }}flag is null or {{ alias }}flag in ('N', 'S'))
{%- endmacro %}

{% macro is_usable(alias='') -%}
({{ alias }}state in ('measured', 'substituted', 'estimated', 'self_reported')
    and {{ flag_is_normal(alias) }}
    and ({{ alias }}value is not null or ({{ alias }}qualifier = '<' and {{ alias }}detection_limit is not null)))
{%- endmacro %}

{#- Whether it lies below the detection limit. -#}
{% macro is_non_detect(alias='') -%}coalesce({{ alias }}qualifier = '<', false){%- endmacro %}

{#- Statistics whose number is a period's total and may be added. A register's count may not. -#}
{% macro is_total(alias='') -%}
{{ alias }}statistic = 'cou'
{%- endmacro %}

{#-
    The sums every mart of readings is made of: they add up over any set of periods, which means and shares do not. The
    rows they are taken over need `is_usable` beside the reading's own columns.
-#}
{% macro counted_states() -%}
    {{ return(['measured', 'substituted', 'estimated', 'self_reported', 'missing', 'stopped', 'not_applicable']) }}
{%- endmacro %}

{% macro reading_sums() -%}
count(*) as readings,
        count(*) filter (where is_usable) as usable_readings,
        count(*) filter (where is_usable and state = 'measured') as valid_periods,
        count(*) filter (where is_usable and qualifier = '<') as nd_periods,
        {%- for state in counted_states() %}
        count(*) filter (where state = '{{ state }}') as {{ state }}_periods,
        {%- endfor %}
        sum(value) filter (where is_usable and not {{ is_non_detect() }}) as mean_sum,
        sum(coalesce(detection_limit, value)) filter (where is_usable and {{ is_non_detect() }}) as nd_limit_sum,
        min(value) filter (where is_usable) as value_min,
        max(value) filter (where is_usable) as value_max,
        sum(value) filter (where is_usable and {{ is_total() }}) as value_sum,
        max(unit) as unit
{%- endmacro %}

{#- The same sums over a single reading. -#}
{% macro reading_sums_of_one(alias='') -%}
cast(1 as bigint) as readings,
        cast({{ alias }}is_usable as bigint) as usable_readings,
        cast({{ alias }}is_usable and {{ alias }}state = 'measured' as bigint) as valid_periods,
        cast({{ alias }}is_usable and coalesce({{ alias }}qualifier = '<', false) as bigint) as nd_periods,
        {%- for state in counted_states() %}
        cast({{ alias }}state = '{{ state }}' as bigint) as {{ state }}_periods,
        {%- endfor %}
        case when {{ alias }}is_usable and not {{ is_non_detect(alias) }} then {{ alias }}value end as mean_sum,
        case when {{ alias }}is_usable and {{ is_non_detect(alias) }} then coalesce({{ alias }}detection_limit, {{ alias }}value) end as nd_limit_sum,
        case when {{ alias }}is_usable then {{ alias }}value end as value_min,
        case when {{ alias }}is_usable then {{ alias }}value end as value_max,
        case when {{ alias }}is_usable and {{ is_total(alias) }} then {{ alias }}value end as value_sum,
        {{ alias }}unit as unit
{%- endmacro %}

{#- The same sums added up again. -#}
{% macro reading_sums_merged() -%}
{%- for count in ['readings', 'usable_readings', 'valid_periods', 'nd_periods'] %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        {%- for state in counted_states() %}
        sum({{ state }}_periods) as {{ state }}_periods,
        {%- endfor %}
        sum(mean_sum) as mean_sum,
        sum(nd_limit_sum) as nd_limit_sum,
        min(value_min) as value_min,
        max(value_max) as value_max,
        sum(value_sum) as value_sum,
        max(unit) as unit
{%- endmacro %}

{#- What people read, from the sums; {{ nd_policy_join() }} stands in the from clause. -#}
{% macro reading_values() -%}
(coalesce(mean_sum, 0) + coalesce(coalesce(nd_policy.share_of_limit, nd_policy_of_all.share_of_limit) * nd_limit_sum, 0))
        / nullif(usable_readings, 0) as value_mean,
        nd_limit_sum / nullif(usable_readings, 0) as nd_limit_mean,
        value_min,
        value_max,
        value_sum,
        unit,
        cast(readings as bigint) as readings,
        cast(valid_periods as bigint) as valid_periods,
        cast(nd_periods as double) / nullif(usable_readings, 0) as nd_share
{%- endmacro %}

{#- The audit's policy for non-detects: the parameter's own, else that of all. Only rows with a non-detect look for one. -#}
{% macro nd_policy_join(rows) -%}
left join {{ ref('int_nd_policies') }} as nd_policy
        on {{ rows }}.nd_limit_sum is not null
            and nd_policy.purpose = 'audit'
            and {{ rows }}.parameter_code = nd_policy.parameter_code
            and {{ holds_on('nd_policy', rows ~ '.local_date') }}
    left join {{ ref('int_nd_policies') }} as nd_policy_of_all
        on {{ rows }}.nd_limit_sum is not null
            and nd_policy_of_all.purpose = 'audit'
            and nd_policy_of_all.parameter_code = '-'
            and {{ holds_on('nd_policy_of_all', rows ~ '.local_date') }}
{%- endmacro %}

{% macro state_shares() -%}
        {%- for state in counted_states() %}
        cast({{ state }}_periods as double) / readings as {{ state }}_share
        {{- ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{#-
    Which of several period lengths counts when they overlap: the channel's own step; else one of an hour or less before
    a day's; else the one that covers most; of equal ones the longest, because a station's own hourly value has passed its
    validity rule.
-#}
{% macro preferred_length(seconds, covered, step_minutes='step_minutes') -%}
case when {{ seconds }} = {{ step_minutes }} * 60 then 0 else 1 end,
            case when {{ seconds }} <= 3600 then 0 else 1 end,
            {{ covered }} desc,
            {{ seconds }} desc
{%- endmacro %}

{#-
    Whether periods of several lengths lie over each other: together they are longer than what they span. Half a second is
    left to stamps that were rounded.
-#}
{% macro lengths_overlap(seconds, first_start, last_end, over) -%}
sum({{ seconds }}) over {{ over }}
        > {{ seconds_between('min(' ~ first_start ~ ') over ' ~ over, 'max(' ~ last_end ~ ') over ' ~ over) }} + 0.5
{%- endmacro %}

{#-
    How many periods a channel of a step owes on a local day of so many minutes; null for steps longer than a day. A daily
    value is owed on the day of 23 hours too.
-#}
{% macro expected_periods(step_minutes, day_minutes) -%}
case
            when {{ step_minutes }} between 1 and 1440
                then greatest(1, cast(floor({{ day_minutes }} / {{ step_minutes }}) as bigint))
        end
{%- endmacro %}
