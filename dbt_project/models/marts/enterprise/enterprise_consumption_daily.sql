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

measured as (
    select * from {{ ref('int_measured_factors') }}
    where {{ touched_filter('enterprise') }}
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

known_rows as (
    select
        metered.local_date,
        metered.enterprise_id,
        metered.process_id,
        metered.item_code,
        metered.unit,
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
        local_date,
        enterprise_id,
        process_id,
        item_code,
        unit,
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

containing as (
    select
        enterprise_id,
        item_code,
        unit,
        local_date,
        {{ coalesced_parts() }} is not null as has_parts
    from known_rows
    where process_id is null and coalesce({{ coalesced_parts() }}, consumed) is not null
),

taken_off as (
    {{ taken_off_containing('known_rows', 'containing', ['local_date']) }}
),

rows_of_both as (
    select * from known_rows
    union all
    select * from taken_off
),

every_row as (
    select
        local_date,
        enterprise_id,
        process_id,
        item_code,
        unit,
        {{ sums_of(row_sums()) }}
    from rows_of_both
    group by local_date, enterprise_id, process_id, item_code, unit
),

priced as (
    select
        every_row.*,
        items.item_kind,
        {{ quantity_of_row('every_row.') }} as quantity,
        {{ effective_factors('factors', 'measured') }}
    from every_row
    inner join items
        on every_row.item_code = items.item_code and every_row.unit = items.unit and {{ holds_on('items', 'every_row.local_date') }}
    left join factors
        on every_row.item_code = factors.item_code and {{ holds_on('factors', 'every_row.local_date') }}
    left join measured
        on every_row.enterprise_id = measured.enterprise_id
            and every_row.item_code = measured.item_code
            and every_row.local_date = measured.local_date
),

valued as (
    select
        enterprise_id,
        process_id,
        item_code,
        item_kind,
        unit,
        local_date,
        {%- for part in consumption_parts() %}
        {{ part }},
        {%- endfor %}
        recycled,
        unmetered_quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_gross,
        {%- endfor %}
        covered_hours,
        expected_hours,
        quantity,
        {{ energy_columns('priced.', 'priced') }},
        {{ factor_is_missing('item_kind', 'priced') }} as is_factor_missing
    from priced
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
        co2e_received_t,
        co2e_sent_t,
        {{ share_columns() }},
        {{ factor_columns() | join(', ') }},
        is_factor_missing
    from valued
)

select * from final
