{#-
    Measured factors of quantities that are known for a whole month, quarter or year only: their mean over the days on which there is one, and
    the share of the period's days that these are.
-#}
with

days as (
    select * from {{ ref('int_measured_factors') }}
),

{%- for grain in longer_periods() %}

{{ grain }}_means as (
    select
        enterprise_id,
        item_code,
        '{{ grain }}' as grain,
        {{ period_start('local_date', grain) }} as period_start,
        avg(tce) as tce,
        avg(co2e) as co2e,
        max(co2e_scope) as co2e_scope,
        {{ distinct_texts('factor_id') }} as factor_id,
        count(*) as days_measured
    from days
    group by enterprise_id, item_code, {{ period_start('local_date', grain) }}
),
{%- endfor %}

every_grain as (
    {%- for grain in longer_periods() %}
    select
        *,
        {{ days_between('period_start', period_end('period_start', grain)) }} as period_days
    from {{ grain }}_means
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        enterprise_id,
        item_code,
        grain,
        period_start,
        tce,
        co2e,
        co2e_scope,
        factor_id,
        days_measured / cast(period_days as double) as measured_share
    from every_grain
)

select * from final
