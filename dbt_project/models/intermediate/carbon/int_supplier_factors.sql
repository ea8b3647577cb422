{#-
    Carbon per unit of power, heat and gas that an enterprise makes, month by month: what its neighbours buy carries it in the place of the
    grid's or the guideline's figure.

    The fuel behind it is that of the processes which the product is metered at, else all fuel of the enterprise. Where a boiler's whole
    steam is metered and enough of it is left for the turbine, the fuel is divided by the share of heat that is sold (供热比); else by
    the energy content of all products. Fuel gas carries what its maker measured in it. Where the products hold more energy than the
    fuel, or so little of it that it must have burnt for something else, no factor is made. A proposal of this project after the
    guideline of the power sector; whatever has no factor keeps the default.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {
        'entity': 'enterprise', 'period': 'month', 'date': 'month_start_date', 'relation': 'int_touched_enterprise_periods',
    }},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}

with

months as (
    select * from {{ ref('enterprise_consumption_monthly') }}
    where item_kind = 'energy' and {{ touched_filter('enterprise', date='month_start_date', relation=relation) }}
),

factors as (
    select * from {{ ref('int_period_factors') }}
    where grain = 'month'
),

measured as (
    select * from {{ ref('int_measured_period_factors') }}
    where grain = 'month'
),

power as (
    select distinct item_code from {{ ref('stg_item_groups') }}
    where item_group = 'electricity'
),

priced as (
    select
        months.enterprise_id,
        months.process_id,
        months.item_code,
        months.month_start_date,
        months.self_produced,
        months.sent,
        -- who meters only what is sold has made at least that
        greatest(
            coalesce(months.self_produced, 0),
            coalesce(months.sent, 0) - coalesce(months.purchased, 0) - coalesce(months.received, 0)
        ) as made,
        months.co2e_t,
        months.energy_tce_calorific as energy_tce,
        power.item_code is not null as is_power,
        coalesce(factors.own_carbon, 1) as own_carbon,
        coalesce(factors.own_energy, 1) as own_energy,
        {{ effective_factor('tce_calorific', 'tce', 'factors', 'measured', 'measured.measured_share') }} as tce,
        {{ effective_factor('co2e', 'co2e', 'factors', 'measured', 'measured.measured_share') }} as co2e,
        measured.measured_share,
        coalesce(factors.co2e_scope, measured.co2e_scope) as co2e_scope
    from months
    left join factors
        on months.item_code = factors.item_code and months.month_start_date = factors.period_start
    left join measured
        on months.enterprise_id = measured.enterprise_id
            and months.item_code = measured.item_code
            and months.month_start_date = measured.period_start
    left join power on months.item_code = power.item_code
),

-- power, heat and steam made from fuel: their carbon is that of the fuel
products as (
    select * from priced
    where co2e_scope = 'scope_2' and made > 0 and own_carbon = 0
),

making_processes as (
    select distinct
        enterprise_id,
        process_id,
        month_start_date
    from products
    where process_id is not null
),

-- at the process what is burnt counts, wherever its carbon is booked
fuel_of_processes as (
    select
        priced.enterprise_id,
        priced.month_start_date,
        sum(priced.co2e_t + coalesce(priced.self_produced, 0) * (1 - priced.own_carbon) * priced.co2e) as co2e_t,
        sum(priced.energy_tce + coalesce(priced.self_produced, 0) * (1 - priced.own_energy) * priced.tce) as energy_tce
    from priced
    inner join making_processes
        on priced.enterprise_id = making_processes.enterprise_id
            and priced.process_id = making_processes.process_id
            and priced.month_start_date = making_processes.month_start_date
    where priced.co2e_scope = 'scope_1'
    group by priced.enterprise_id, priced.month_start_date
),

fuel_of_enterprises as (
    select
        enterprise_id,
        month_start_date,
        sum(co2e_t) as co2e_t,
        sum(energy_tce) as energy_tce
    from priced
    where process_id is null and co2e_scope = 'scope_1'
    group by enterprise_id, month_start_date
),

outputs as (
    select
        enterprise_id,
        month_start_date,
        sum(case when is_power then made * tce else 0 end) as power_tce,
        sum(case when not is_power then made * tce else 0 end) as heat_tce,
        sum(case when not is_power then coalesce(sent, 0) * tce else 0 end) as heat_sent_tce
    from products
    where process_id is null
    group by enterprise_id, month_start_date
),

balances as (
    select
        outputs.*,
        case when fuel_of_processes.co2e_t > 0 then fuel_of_processes.co2e_t else fuel_of_enterprises.co2e_t end as fuel_co2e_t,
        case when fuel_of_processes.co2e_t > 0 then fuel_of_processes.energy_tce else fuel_of_enterprises.energy_tce end as fuel_tce,
        outputs.power_tce > 0 and outputs.heat_tce > 0 and outputs.heat_tce - outputs.heat_sent_tce >= outputs.power_tce as is_boiler_metered
    from outputs
    left join fuel_of_processes
        on outputs.enterprise_id = fuel_of_processes.enterprise_id and outputs.month_start_date = fuel_of_processes.month_start_date
    left join fuel_of_enterprises
        on outputs.enterprise_id = fuel_of_enterprises.enterprise_id and outputs.month_start_date = fuel_of_enterprises.month_start_date
),

rates as (
    select
        enterprise_id,
        month_start_date,
        fuel_co2e_t,
        case
            when is_boiler_metered then fuel_co2e_t * (heat_tce - heat_sent_tce) / heat_tce / power_tce
            else fuel_co2e_t / nullif(heat_tce + power_tce, 0)
        end as power_co2e_per_tce,
        case
            when is_boiler_metered then fuel_co2e_t / heat_tce
            else fuel_co2e_t / nullif(heat_tce + power_tce, 0)
        end as heat_co2e_per_tce,
        case when is_boiler_metered then 'heat_supply_ratio' else 'energy_content' end as method_code
    from balances
    -- of a boiler metered whole the power is made of its heat
    where fuel_co2e_t > 0
        and heat_tce + case when is_boiler_metered then 0 else power_tce end
        between cast({{ var('conversion_min_efficiency') }} as double) * fuel_tce and fuel_tce
),

final as (
    select
        products.enterprise_id,
        products.item_code,
        products.month_start_date,
        products.tce * case when products.is_power then rates.power_co2e_per_tce else rates.heat_co2e_per_tce end as co2e,
        rates.method_code,
        rates.fuel_co2e_t
    from products
    inner join rates
        on products.enterprise_id = rates.enterprise_id and products.month_start_date = rates.month_start_date
    where products.process_id is null and products.tce is not null

    union all

    select
        enterprise_id,
        item_code,
        month_start_date,
        co2e,
        'measured_property' as method_code,
        cast(null as double) as fuel_co2e_t
    from priced
    where process_id is null and co2e_scope = 'scope_1' and measured_share > 0 and co2e is not null
)

select * from final
