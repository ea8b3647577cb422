{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

items as (
    select * from {{ ref('int_consumption_items') }}
),

factors as (
    select * from {{ ref('int_factor_segments') }}
),

flows as (
    select * from {{ ref('int_meter_flows_daily') }}
    where {{ touched_filter('enterprise') }}
),

metered as (
    {{ consumption_of_flows('flows', ['local_date']) }}
),

registered as (
    select
        metered.enterprise_id,
        metered.process_id,
        metered.item_code,
        metered.local_date,
        count(*) * max(local_days.minutes) / cast(60 as double) as hours
    from metered
    inner join {{ ref('int_registered_meters') }} as meters
        on {{ owes_hours_to('meters', 'metered') }} and {{ holds_on('meters', 'metered.local_date') }}
    inner join {{ ref('int_local_days') }} as local_days on metered.local_date = local_days.local_date
    group by metered.enterprise_id, metered.process_id, metered.item_code, metered.local_date
),

declared as (
    select
        *,
        period_start as local_date
    from {{ ref('int_declared_consumption') }}
    where grain = 'day' and {{ touched_filter('enterprise', date='period_start') }}
),

every_row as (
    select
        metered.enterprise_id,
        metered.process_id,
        metered.item_code,
        metered.unit,
        metered.local_date,
        {%- for part in consumption_parts() %}
        metered.{{ part }},
        {%- endfor %}
        cast(null as double) as consumed,
        metered.recycled,
        metered.unmetered_quantity,
        {%- for provenance in provenances() %}
        metered.{{ provenance }}_gross,
        {%- endfor %}
        metered.covered_hours,
        greatest(metered.expected_hours, coalesce(registered.hours, 0)) as expected_hours
    from metered
    left join registered
        on metered.enterprise_id = registered.enterprise_id
            and metered.process_id is not distinct from registered.process_id
            and metered.item_code = registered.item_code
            and metered.local_date = registered.local_date

    union all

    select
        enterprise_id,
        process_id,
        item_code,
        unit,
        local_date,
        {%- for part in consumption_parts() %}
        {{ part }},
        {%- endfor %}
        consumed,
        recycled,
        cast(null as double) as unmetered_quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_gross,
        {%- endfor %}
        covered_hours,
        expected_hours
    from declared
    -- a declaration speaks where no meter does
    where
        (enterprise_id, item_code, local_date) not in (
            select
                enterprise_id,
                item_code,
                local_date
            from metered
        )
),

valued as (
    select
        every_row.*,
        items.item_kind,
        {{ quantity_of_row('every_row.') }} as quantity,
        {{ energy_columns('every_row.', 'factors') }},
        {{ factor_is_missing('items.item_kind', 'factors') }} as is_factor_missing
    from every_row
    inner join items
        on every_row.item_code = items.item_code and every_row.unit = items.unit and {{ holds_on('items', 'every_row.local_date') }}
    left join factors
        on every_row.item_code = factors.item_code and {{ holds_on('factors', 'every_row.local_date') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        process_id,
        item_code,
        item_kind,
        local_date,
        {{ published_consumption_columns() }}
        unmetered_quantity,
        energy_tce_calorific,
        energy_tce_primary,
        energy_tce_working_medium,
        co2e_t,
        {{ share_columns() }},
        tce_calorific_factor_id,
        tce_primary_factor_id,
        co2e_factor_id,
        is_factor_missing
    from valued
)

select * from final
