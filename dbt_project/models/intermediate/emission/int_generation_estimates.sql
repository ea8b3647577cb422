{#-
    What is generated before treatment by coefficient (产污系数: G = P · k) and by balance (m = ratio · B · S · p), and the share of it that
    treatment leaves: the product of 1 − η · k of the facilities that treat it. What lacks its activity, its content or an efficiency is a
    row with the reason and without a number. Of the coefficients of one pollutant those of outputs go before those of inputs.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}
{%- set key = ['grain', 'period_start', 'enterprise_id', 'medium', 'pollutant_code'] %}

with

factors as (
    {{ own_before_shipped(
        'stg_emission_factors', ['factor_id', 'sector_code', 'activity', 'subject_code', 'unit', 'medium', 'pollutant_code', 'kg_per_unit'],
        'factor_id',
    ) }}
),

balances as (
    {{ own_before_shipped(
        'stg_emission_balances',
        ['balance_id', 'sector_code', 'item_code', 'unit', 'medium', 'pollutant_code', 'content_parameter', 'mass_ratio', 'conversion'],
        'balance_id',
    ) }}
),

sectors as (
    select * from {{ ref('int_sectors') }}
),

products as (
    select * from {{ ref('int_products') }}
),

treatments as (
    select * from {{ ref('int_treatments') }}
),

properties as (
    select * from {{ ref('int_period_properties') }}
    where {{ touched_filter('enterprise', date='year_start_date', relation=relation) }}
),

outputs as (
    {%- for grain, settings in longer_periods().items() %}
    select
        '{{ grain }}' as grain,
        {{ settings.column }} as period_start,
        enterprise_id,
        process_id,
        product_code,
        quantity,
        unit,
        state
    from {{ ref('enterprise_production_' ~ settings.suffix) }}
    where product_code <> 'ALL' and {{ touched_filter('enterprise', date=settings.column, relation=relation) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

inputs as (
    {%- for grain, settings in longer_periods().items() %}
    select
        '{{ grain }}' as grain,
        {{ settings.column }} as period_start,
        enterprise_id,
        item_code,
        quantity,
        unit,
        state
    from {{ ref('enterprise_consumption_' ~ settings.suffix) }}
    where process_id is null and {{ touched_filter('enterprise', date=settings.column, relation=relation) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

activities as (
    select
        'output' as activity,
        outputs.grain,
        outputs.period_start,
        outputs.enterprise_id,
        outputs.process_id,
        products.product_kind as subject_code,
        outputs.quantity,
        outputs.unit
    from outputs
    inner join products
        on outputs.product_code = products.product_code
            and outputs.enterprise_id = products.enterprise_id
            and {{ holds_on('products', 'outputs.period_start') }}
    union all
    select
        'input' as activity,
        grain,
        period_start,
        enterprise_id,
        cast(null as varchar) as process_id,
        item_code as subject_code,
        quantity,
        unit
    from inputs
),

of_sector as (
    select
        activities.*,
        coalesce(sectors.sector_code, '') as sector_code
    from activities
    left join sectors
        on activities.enterprise_id = sectors.enterprise_id and {{ holds_on('sectors', 'activities.period_start') }}
),

-- the coefficient of the narrowest sector, of outputs before inputs
by_factor as (
    select
        of_sector.grain,
        of_sector.period_start,
        of_sector.enterprise_id,
        of_sector.process_id,
        factors.medium,
        factors.pollutant_code,
        'emission_factor' as method_code,
        of_sector.quantity * factors.kg_per_unit as generated_kg,
        case when of_sector.quantity is null then 'activity_unknown' end as reason,
        dense_rank() over (
            partition by
                of_sector.grain, of_sector.period_start, of_sector.enterprise_id, of_sector.activity, of_sector.subject_code,
                factors.medium, factors.pollutant_code
            order by case factors.sector_code when '*' then 0 else length(factors.sector_code) end desc, factors.factor_id asc
        ) as choice,
        dense_rank() over (
            partition by of_sector.grain, of_sector.period_start, of_sector.enterprise_id, factors.medium, factors.pollutant_code
            order by of_sector.activity desc
        ) as activity_choice
    from of_sector
    inner join factors
        on of_sector.activity = factors.activity
            and of_sector.subject_code = factors.subject_code
            and of_sector.unit = factors.unit
            and (factors.sector_code = '*' or of_sector.sector_code like factors.sector_code || '%')
            and {{ holds_on('factors', 'of_sector.period_start') }}
),

contents as (
    select
        grain,
        period_start,
        enterprise_id,
        parameter_code,
        coalesce(avg(case when is_measured then value end), avg(value)) as percent
    from properties
    group by grain, period_start, enterprise_id, parameter_code
),

by_balance as (
    select
        of_sector.grain,
        of_sector.period_start,
        of_sector.enterprise_id,
        balances.medium,
        balances.pollutant_code,
        'material_balance' as method_code,
        balances.mass_ratio * of_sector.quantity * {{ kg_of_unit('balances.unit') }} * contents.percent / 100 * balances.conversion as generated_kg,
        case
            when of_sector.quantity is null then 'activity_unknown'
            when contents.percent is null then 'content_unknown'
            when balances.conversion is null then 'conversion_unknown'
        end as reason,
        dense_rank() over (
            partition by of_sector.grain, of_sector.period_start, of_sector.enterprise_id, of_sector.subject_code, balances.pollutant_code
            order by case balances.sector_code when '*' then 0 else length(balances.sector_code) end desc, balances.balance_id asc
        ) as choice
    from of_sector
    inner join balances
        on of_sector.activity = 'input'
            and of_sector.subject_code = balances.item_code
            and of_sector.unit = balances.unit
            and (balances.sector_code = '*' or of_sector.sector_code like balances.sector_code || '%')
            and {{ holds_on('balances', 'of_sector.period_start') }}
    left join contents
        on of_sector.grain = contents.grain
            and of_sector.period_start = contents.period_start
            and of_sector.enterprise_id = contents.enterprise_id
            and balances.content_parameter = contents.parameter_code
),

every_part as (
    select
        {{ key | join(', ') }},
        process_id,
        method_code,
        generated_kg,
        reason
    from by_factor
    where choice = 1 and activity_choice = 1
    union all
    select
        {{ key | join(', ') }},
        cast(null as varchar) as process_id,
        method_code,
        generated_kg,
        reason
    from by_balance
    where choice = 1
),

-- a part without a number leaves the sum without one: the rest of it would pass for the whole
generated as (
    select
        {{ key | join(', ') }},
        process_id,
        method_code,
        case when max(reason) is null then sum(generated_kg) end as generated_kg,
        max(reason) as reason
    from every_part
    group by {{ key | join(', ') }}, process_id, method_code
),

-- facilities of the process, or of an enterprise that does not say which; of what is no process's all of the enterprise
treated as (
    select
        generated.grain,
        generated.period_start,
        generated.enterprise_id,
        generated.process_id,
        generated.medium,
        generated.pollutant_code,
        generated.method_code,
        count(*) as facilities,
        count(treatments.removal_efficiency * {{ running_rate_of('own', 'whole', 'treatments') }}) as known_facilities,
        -- a product, as the sum of logarithms, to the twelve digits that these keep
        round(
            exp(sum(ln(greatest(1 - treatments.removal_efficiency * {{ running_rate_of('own', 'whole', 'treatments') }}, 1e-13)))), 12
        ) as remaining_share
    from generated
    inner join treatments
        on generated.enterprise_id = treatments.enterprise_id
            and generated.pollutant_code = treatments.pollutant_code
            and (generated.process_id is null or treatments.process_id is null or generated.process_id = treatments.process_id)
            and {{ holds_on('treatments', 'generated.period_start') }}
    left join properties as own
        on generated.grain = own.grain
            and generated.period_start = own.period_start
            and treatments.enterprise_id = own.enterprise_id
            and treatments.process_id = own.process_id
            and own.parameter_code = '{{ running_rate_parameter() }}'
    left join properties as whole
        on generated.grain = whole.grain
            and generated.period_start = whole.period_start
            and treatments.enterprise_id = whole.enterprise_id
            and whole.process_id is null
            and whole.parameter_code = '{{ running_rate_parameter() }}'
    group by
        generated.grain, generated.period_start, generated.enterprise_id, generated.process_id, generated.medium,
        generated.pollutant_code, generated.method_code
),

final as (
    select
        cast(date_trunc('year', generated.period_start) as date) as year_start_date,
        generated.grain,
        generated.period_start,
        generated.enterprise_id,
        generated.process_id,
        generated.medium,
        generated.pollutant_code,
        generated.method_code,
        generated.generated_kg,
        case
            when treated.facilities is null then 1
            when treated.facilities = treated.known_facilities then treated.remaining_share
        end as remaining_share,
        coalesce(
            generated.reason,
            case when treated.facilities > treated.known_facilities then 'treatment_efficiency_unknown' end
        ) as reason
    from generated
    left join treated
        on generated.grain = treated.grain
            and generated.period_start = treated.period_start
            and generated.enterprise_id = treated.enterprise_id
            and generated.process_id is not distinct from treated.process_id
            and generated.medium = treated.medium
            and generated.pollutant_code = treated.pollutant_code
            and generated.method_code = treated.method_code
)

select * from final
