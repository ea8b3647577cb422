{#-
    Ratios at a longer period. A quarter's or year's ratio is the sum of its months' numerators over the sum of their
    denominators, taken over the months in which both exist; where the months do not fill the period and both sides are known
    wholly for the period itself (a year's output that nobody reports by month), these are taken. Never a mean of ratios.
-#}

{#- Numerator and denominator beside each other, out of rows of int_metric_sides. -#}
{% macro paired_sides(relation, key) -%}
    select
        {{ key | join(', ') }},
        max(scale) as scale,
        -- the unit of what is counted stands in the metric's unit, where it is one
        max(case when side = 'denominator' and is_applicable then replace(metric_unit, '{product_unit}', coalesce(unit, 'unit')) end)
            as product_metric_unit,
        max(metric_unit) as metric_unit,
        max(case when side = 'numerator' then value end) as numerator,
        max(case when side = 'denominator' then value end) as denominator,
        max(case when side = 'numerator' then measured_value end) as measured_value,
        -- the prices behind money it is divided by: figures at unlike prices do not compare
        max(case when side = 'denominator' then price_basis end) as price_basis,
        min(case when is_applicable then 1 else 0 end) = 1 as is_applicable,
        min(completeness_share) as completeness_share,
        {{ weakest_state('state') }} as known_state
    from {{ relation }}
    group by {{ key | join(', ') }}
    -- what nobody consumed or discharged has no intensity; of a process or product only what is also counted for it
    having count(case when side = 'numerator' then 1 end) > 0
        and (
            (process_id is null and product_code = 'ALL')
            or count(case when side = 'denominator' then 1 end) > 0
        )
{%- endmacro %}

{#-
    The ratio with its words: why there is none, or where it comes from. A side of which a part is missing is too small, and a
    ratio of it would flatter whoever reported less: the side is shown, the ratio is not.
-#}
{% macro ratio_columns() -%}
        case when denominator <> 0 and is_applicable and known_state <> 'missing' then numerator / denominator * scale end as value,
        replace(coalesce(product_metric_unit, metric_unit), '{product_unit}', 'unit') as unit,
        numerator,
        denominator,
        case
            when denominator = 0 or not is_applicable then 'not_applicable'
            when numerator is null or denominator is null then 'missing'
            else known_state
        end as state,
        measured_value / nullif(numerator, 0) as measured_share
{%- endmacro %}

{#- Which measured share a row may publish: of numerators that nearly cancel (much bought, much sold) none is a share of anything. -#}
{% macro share_or_null(share) -%}
case when {{ share }} between 0 and 1 + 1e-9 then least({{ share }}, 1) end
{%- endmacro %}

{% macro efficiency_of(entity, grain) -%}
{%- set settings = longer_periods()[grain] -%}
{%- set column = settings.column -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
{%- set scope = (['enterprise_id'] if entity == 'enterprise' else []) + ['process_id', 'product_code', 'metric_code'] -%}
{%- set key = ['period_start'] + scope -%}
{%- set counts = ['enterprises_counted', 'enterprises_left_out'] if entity == 'park' else [] -%}
with

sides as (
    select * from {{ ref('int_metric_sides') }}
    where grain = '{{ grain }}'
        and {{ touched_filter(entity, date='period_start', relation=relation) }}
        {%- if entity == 'park' %}
        and process_id is null and product_code = 'ALL'
        {%- endif %}
),

{%- if entity == 'enterprise' %}

pairs as (
{{ paired_sides('sides', key) }}
),
{%- else %}

memberships as (
    select * from {{ ref('int_memberships_and_park') }}
),

-- Whoever owes a side and has not given it is left out with both, so that the rest of the park is compared with itself. A
-- discharge stays: it is the central plant's, of water that others have used.
by_member as (
    select
        sides.period_start,
        sides.process_id,
        sides.product_code,
        sides.metric_code,
        sides.side,
        sides.scale,
        sides.metric_unit,
        sides.unit,
        sides.price_basis,
        sides.enterprise_id,
        sides.park_value,
        sides.measured_value * case when sides.value <> 0 then sides.park_value / sides.value else 1 end as measured_value,
        sides.is_applicable,
        sides.completeness_share,
        sides.state,
        case
            when max(case when sides.is_missing then 1 else 0 end) over owed = 1 then 1
            when max(case when sides.side = 'denominator' then 1 when sides.source = 'emission' then 1 else 0 end) over owed = 0 then 1
            else 0
        end as is_left_out
    from sides
    inner join memberships
        on sides.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'sides.period_start') }}
    window owed as (partition by sides.period_start, sides.metric_code, sides.enterprise_id)
),

park_sides as (
    select
        {{ key | join(', ') }},
        side,
        max(scale) as scale,
        max(metric_unit) as metric_unit,
        max(unit) as unit,
        {{ one_or_several('case when is_left_out = 0 then price_basis end') }} as price_basis,
        sum(case when is_left_out = 0 then park_value end) as value,
        sum(case when is_left_out = 0 then measured_value end) as measured_value,
        -- one enterprise's square metres and another's tonnes are no output of the park
        min(case when is_applicable then 1 else 0 end) = 1 and count(distinct unit) <= 1 as is_applicable,
        sum(case when is_left_out = 0 then completeness_share * abs(park_value) end)
        / nullif(sum(case when is_left_out = 0 and completeness_share is not null then abs(park_value) end), 0) as completeness_share,
        {{ weakest_state("case when is_left_out = 0 then state end") }} as state
    from by_member
    group by {{ key | join(', ') }}, side
),

counted as (
    select
        period_start,
        metric_code,
        count(distinct case when is_left_out = 0 then enterprise_id end) as enterprises_counted,
        count(distinct case when is_left_out = 1 then enterprise_id end) as enterprises_left_out
    from by_member
    group by period_start, metric_code
),

paired as (
{{ paired_sides('park_sides', key) }}
),

pairs as (
    select
        paired.*,
        counted.enterprises_counted,
        counted.enterprises_left_out
    from paired
    inner join counted
        on paired.period_start = counted.period_start and paired.metric_code = counted.metric_code
),
{%- endif %}

{%- if grain == 'month' %}

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        {{ scope | join(', ') }},
        period_start as {{ column }},
        {{ ratio_columns() }},
        price_basis,
        completeness_share,
        case when denominator <> 0 and is_applicable and numerator is not null then 1 else 0 end as months
        {%- for count in counts %},
        {{ count }}
        {%- endfor %}
    from pairs
),
{%- else %}

months as (
    select
        {{ period_start('month_start_date', grain) }} as period_start,
        {{ scope | join(', ') }},
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        sum(numerator * coalesce(measured_share, 0)) as measured_value,
        sum(completeness_share) / {{ settings.months }} as completeness_share,
        {{ one_or_several('price_basis') }} as price_basis,
        {{ weakest_state('state') }} as known_state,
        count(*) as months
        {%- for count in counts %},
        max({{ count }}) as {{ count }}
        {%- endfor %}
    from {{ ref(entity ~ '_efficiency_monthly') }}
    where value is not null
        and {{ touched_filter(entity, date='month_start_date', relation=relation) }}
    group by {{ period_start('month_start_date', grain) }}, {{ scope | join(', ') }}
),

chosen as (
    select
        {%- for column in key %}
        pairs.{{ column }},
        {%- endfor %}
        pairs.scale,
        pairs.product_metric_unit,
        pairs.metric_unit,
        coalesce(months.months, 0) as months_known,
        -- the months where they fill the period, the period itself where both its sides are whole, else the months there are
        months.months is not null and (
            months.months = {{ settings.months }}
            or coalesce(pairs.numerator, pairs.denominator) is null
            or pairs.numerator is null
            or pairs.denominator is null
            or coalesce(pairs.completeness_share, 0) < 1 - 1e-9
        ) as is_of_months,
        pairs.numerator as own_numerator,
        pairs.denominator as own_denominator,
        pairs.measured_value as own_measured_value,
        pairs.completeness_share as own_completeness_share,
        pairs.known_state as own_state,
        pairs.price_basis as own_price_basis,
        pairs.is_applicable,
        months.numerator as months_numerator,
        months.denominator as months_denominator,
        months.measured_value as months_measured_value,
        months.completeness_share as months_completeness_share,
        months.known_state as months_state,
        months.price_basis as months_price_basis
        {%- for count in counts %},
        pairs.{{ count }}
        {%- endfor %}
    from pairs
    left join months
        on
        {%- for column in key %}
            {{ 'and ' if not loop.first }}pairs.{{ column }} is not distinct from months.{{ column }}
        {%- endfor %}
),

resolved as (
    select
        {{ key | join(', ') }},
        scale,
        product_metric_unit,
        metric_unit,
        case when is_of_months then months_numerator else own_numerator end as numerator,
        case when is_of_months then months_denominator else own_denominator end as denominator,
        case when is_of_months then months_measured_value else own_measured_value end as measured_value,
        case when is_of_months then months_completeness_share else own_completeness_share end as completeness_share,
        case when is_of_months then months_state else own_state end as known_state,
        case when is_of_months then months_price_basis else own_price_basis end as price_basis,
        is_of_months or is_applicable as is_applicable,
        case when is_of_months then months_known else {{ settings.months }} end as months_counted
        {%- for count in counts %},
        {{ count }}
        {%- endfor %}
    from chosen
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        {{ scope | join(', ') }},
        period_start as {{ column }},
        {{ ratio_columns() }},
        price_basis,
        completeness_share,
        case when denominator <> 0 and is_applicable and numerator is not null then cast(months_counted as integer) else 0 end as months
        {%- for count in counts %},
        {{ count }}
        {%- endfor %}
    from resolved
),
{%- endif %}

published as (
    select
        park_id,
        {{ scope | join(', ') }},
        {{ column }},
        value,
        unit,
        numerator,
        denominator,
        price_basis,
        state,
        {{ share_or_null('measured_share') }} as measured_share,
        completeness_share,
        months
        {%- for count in counts %},
        cast({{ count }} as bigint) as {{ count }}
        {%- endfor %}
    from final
)

select * from published
{%- endmacro %}
