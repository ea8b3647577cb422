{#-
    Columns that the consumption marts of all periods share, and how flows become them. Parts of consumption and the rules of
    the metering tree stand in enterprise.sql and meter_flows.sql.
-#}

{% macro provenances() -%}{{ return(['measured', 'substituted', 'estimated', 'self_reported']) }}{%- endmacro %}

{#-
    Flows as consumption: one row for the whole of each enterprise (process_id null), made of what counts towards the whole, and
    one for each of its processes. `key` is what dates a flow.
-#}
{% macro consumption_of_flows(flows, key) -%}
{%- for process, counts in {'cast(null as varchar)': 'is_root', 'process_id': 'process_id is not null'}.items() %}
    select
        {{ key | join(', ') }},
        enterprise_id,
        {{ process }} as process_id,
        item_code,
        unit,
        {%- for part in consumption_parts() if part != 'stock_increase' %}
        sum(case when {{ counts }} and part = '{{ part }}' then quantity end) as {{ part }},
        {%- endfor %}
        -- only a report knows stocks
        cast(null as double) as stock_increase,
        sum(case when {{ counts }} and part = 'recycled' then quantity end) as recycled,
        {{ 'sum(case when is_divided and process_id is null then quantity end)' if loop.first else 'cast(null as double)' }}
            as unmetered_quantity,
        {%- for provenance in provenances() %}
        sum(case when {{ counts }} then abs({{ provenance }}_quantity) end) as {{ provenance }}_gross,
        {%- endfor %}
        sum(case when {{ counts }} then meter_hours end) as covered_hours,
        sum(case when {{ counts }} then meters * hours_expected end) as expected_hours
    from {{ flows }}
    {{ 'where process_id is not null' if not loop.first }}
    group by {{ key | join(', ') }}, enterprise_id, {{ 'process_id, ' if not loop.first }}item_code, unit
    {{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#- What the parts of a row amount to without their signs; null when no part is known. -#}
{% macro gross_of_parts() -%}
case when coalesce({{ consumption_parts().keys() | join(', ') }}) is not null
    then {% for part in consumption_parts() %}coalesce(abs({{ part }}), 0){{ ' + ' if not loop.last }}{% endfor %}
end
{%- endmacro %}

{#- Whether a registered meter owes hours to a row: billing meters to the whole, all of a process's to the process. -#}
{% macro owes_hours_to(meters, row) -%}
{{ row }}.enterprise_id = {{ meters }}.enterprise_id
            and {{ row }}.item_code = {{ meters }}.item_code
            and (({{ row }}.process_id is null and {{ meters }}.is_billing) or {{ row }}.process_id = {{ meters }}.process_id)
{%- endmacro %}

{#- Energy and carbon of a row with parts, by factors under alias `factors`; of what is consumed where no part is known. -#}
{% macro energy_columns(prefix, factors) -%}
        {%- for measure in ['tce_calorific', 'tce_primary', 'tce_working_medium'] %}
        coalesce({{ quantity_of_parts(prefix, 'coalesce(' ~ factors ~ '.own_energy, 1)') }}, {{ prefix }}consumed)
        * {{ factors }}.{{ measure }} as energy_{{ measure }},
        {%- endfor %}
        coalesce({{ quantity_of_parts(prefix, 'coalesce(' ~ factors ~ '.own_carbon, 1)') }}, {{ prefix }}consumed)
        * {{ factors }}.co2e as co2e_t,
        {%- for part in ['received', 'sent'] %}
        coalesce({{ prefix }}{{ part }}, 0) * {{ factors }}.co2e as co2e_{{ part }}_t,
        {%- endfor %}
        {{ factors }}.co2e_scope,
        {{ factors }}.tce_calorific_factor_id,
        {{ factors }}.tce_primary_factor_id,
        {{ factors }}.co2e_factor_id,
        {{ factors }}.factor_verification_status
{%- endmacro %}

{#-
    The factors behind a row: what the enterprise measured itself (alias `measured`, null where nothing was) before what is in force for
    everybody (alias `factors`). `share` is how much of the row's time was measured.
-#}
{% macro effective_factors(factors, measured, share='1') -%}
        {%- for measure, source in {'tce_calorific': 'tce', 'tce_primary': 'tce', 'co2e': 'co2e'}.items() %}
        {{ effective_factor(measure, source, factors, measured, share) }} as {{ measure }},
        case when {{ measured }}.{{ source }} is null then {{ factors }}.{{ measure }}_factor_id else {{ measured }}.factor_id end
            as {{ measure }}_factor_id,
        {%- endfor %}
        {{ factors }}.tce_working_medium,
        {{ factors }}.own_energy,
        {{ factors }}.own_carbon,
        coalesce({{ factors }}.co2e_scope, {{ measured }}.co2e_scope) as co2e_scope,
        {{ factors }}.verification_status as factor_verification_status
{%- endmacro %}

{#- One such factor by itself, where nothing else of the row is wanted. -#}
{% macro effective_factor(measure, source, factors, measured, share='1') -%}
{%- if share == '1' -%}
coalesce({{ measured }}.{{ source }}, {{ factors }}.{{ measure }})
{%- else -%}
coalesce(
            {{ share }} * {{ measured }}.{{ source }} + case when {{ share }} < 1 then (1 - {{ share }}) * {{ factors }}.{{ measure }} else 0 end,
            {{ factors }}.{{ measure }}
        )
{%- endif -%}
{%- endmacro %}

{#- Mean of a factor over the days of a period; null where on some day none is in force. -#}
{% macro mean_over_days(factor) -%}
case when sum(case when {{ factor }} is not null then days else 0 end) = max(period_days) then sum({{ factor }} * days) / max(period_days) end
{%- endmacro %}

{#- Whether an energy item lacks a factor on the day; working media are no energy of their own. -#}
{% macro factor_is_missing(item_kind, factors) -%}
({{ item_kind }} = 'energy' and {{ factors }}.tce_working_medium is null
    and ({{ factors }}.tce_calorific is null or {{ factors }}.tce_primary is null or {{ factors }}.co2e is null))
{%- endmacro %}

{#- Additive columns of the consumption marts. -#}
{% macro consumption_sums() -%}
    {{ return(
        consumption_parts().keys() | list
        + ['recycled', 'unmetered_quantity', 'energy_tce_calorific', 'energy_tce_primary', 'energy_tce_working_medium']
        + ['co2e_t', 'co2e_received_t', 'co2e_sent_t']
        + ['measured_gross', 'substituted_gross', 'estimated_gross', 'self_reported_gross', 'covered_hours', 'expected_hours']
    ) }}
{%- endmacro %}

{#- A sum of rows; of energy and carbon none where one of the rows has a quantity and no factor: a part would pass for the whole. -#}
{% macro consumption_sum(measure, prefix='') -%}
{%- if measure in transferred_measures().values() or measure in ['co2e_received_t', 'co2e_sent_t'] -%}
case when count(case when {{ prefix }}quantity <> 0 and {{ prefix }}{{ measure }} is null then 1 end) = 0
    then sum({{ prefix }}{{ measure }})
end
{%- else -%}
sum({{ prefix }}{{ measure }})
{%- endif -%}
{%- endmacro %}

{#- Shares, completeness and state of a row that has the gross sums. -#}
{% macro share_columns() -%}
        {%- set gross %}({% for provenance in provenances() %}{{ provenance }}_gross{{ ' + ' if not loop.last }}{% endfor %}){% endset %}
        {{ gross }} as gross_quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_gross / nullif({{ gross }}, 0) as {{ provenance }}_share,
        {%- endfor %}
        least(covered_hours / nullif(expected_hours, 0), 1) as completeness_share,
        covered_hours,
        expected_hours,
        case
            when quantity is null then 'missing'
            when self_reported_gross > 0 then 'self_reported'
            when estimated_gross > 0 then 'estimated'
            when substituted_gross > 0 then 'substituted'
            else 'measured'
        end as state
{%- endmacro %}

{#- The gross sums again, out of the shares of a published row. -#}
{% macro gross_columns(prefix='') -%}
        {%- for provenance in provenances() %}
        coalesce({{ prefix }}{{ provenance }}_share, 0) * {{ prefix }}gross_quantity as {{ provenance }}_gross{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{#- The columns every consumption mart ends with, in their order. -#}
{% macro published_consumption_columns() -%}
        {{ more_than_rounding('quantity') }} as quantity,
        unit,
        {%- for part in consumption_parts() %}
        {{ more_than_rounding(part) }} as {{ part }},
        {%- endfor %}
        recycled,
{%- endmacro %}

{#- Consumption of enterprises at a longer period: its days, and what no day knows. -#}
{% macro enterprise_consumption_of(grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set key = ['enterprise_id', 'process_id', 'item_code', 'item_kind', 'unit'] -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
with

days as (
    select
        {{ period_start('local_date', grain) }} as period_start,
        *,
        {{ gross_columns() }},
        expected_hours / 24 * {{ hours_of_period(period_start('local_date', grain), grain) }} as expected_of_period
    from {{ ref('enterprise_consumption_daily') }}
    where {{ touched_filter('enterprise', relation=relation) }}
),

long_rows as (
    select
        *,
        expected_hours as expected_of_period
    from {{ ref('int_consumption_long') }}
    where grain = '{{ grain }}' and {{ touched_filter('enterprise', date='period_start', relation=relation) }}
),

every_row as (
    {%- for source in ['days', 'long_rows'] %}
    select
        period_start,
        {{ key | join(', ') }},
        {%- for measure in consumption_sums() %}
        {{ measure }},
        {%- endfor %}
        expected_of_period,
        quantity,
        {{ factor_columns() | join(', ') }},
        is_factor_missing
    from {{ source }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        period_start,
        {{ key | join(', ') }},
        {%- for measure in consumption_sums() if measure != 'expected_hours' %}
        {{ consumption_sum(measure) }} as {{ measure }},
        {%- endfor %}
        max(expected_of_period) as expected_hours,
        sum(quantity) as quantity,
        {{ factor_aggregates() }},
        max(case when is_factor_missing then 1 else 0 end) = 1 as is_factor_missing
    from every_row
    group by period_start, {{ key | join(', ') }}
),

-- hours that the registered meters owe in the whole period, spoken or not; a meter without a register row owes what it began
registered as (
    select
        summed.period_start,
        summed.enterprise_id,
        summed.process_id,
        summed.item_code,
        sum({{ days_between(
            'greatest(meters.valid_from, summed.period_start)',
            'least(meters.valid_to, ' ~ period_end('summed.period_start', grain) ~ ')',
        ) }} * cast(24 as double)) as hours
    from summed
    inner join {{ ref('int_registered_meters') }} as meters
        on {{ owes_hours_to('meters', 'summed') }}
            and meters.valid_from < {{ period_end('summed.period_start', grain) }}
            and meters.valid_to > summed.period_start
    -- a report that speaks for a meter that never did says how much of the period it covers itself
    where summed.self_reported_gross = 0 or summed.measured_gross + summed.substituted_gross + summed.estimated_gross > 0
    group by summed.period_start, summed.enterprise_id, summed.process_id, summed.item_code
),

whole as (
    select
        summed.*,
        registered.hours as registered_hours
    from summed
    left join registered
        on summed.period_start = registered.period_start
            and summed.enterprise_id = registered.enterprise_id
            and summed.process_id is not distinct from registered.process_id
            and summed.item_code = registered.item_code
),

with_expected_hours as (
    select
        period_start,
        {{ key | join(', ') }},
        {%- for measure in consumption_sums() if measure != 'expected_hours' %}
        {{ measure }},
        {%- endfor %}
        quantity,
        {{ factor_columns() | join(', ') }},
        is_factor_missing,
        coalesce(registered_hours, expected_hours) as expected_hours
    from whole
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        process_id,
        item_code,
        item_kind,
        period_start as {{ column }},
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
    from with_expected_hours
)

select * from final
{%- endmacro %}

{#- What a row says of its factors beside their values. -#}
{% macro factor_columns() -%}
    {{ return(['co2e_scope', 'tce_calorific_factor_id', 'tce_primary_factor_id', 'co2e_factor_id', 'factor_verification_status']) }}
{%- endmacro %}

{#- The same of a group of rows. -#}
{% macro factor_aggregates(prefix='') -%}
        max({{ prefix }}co2e_scope) as co2e_scope,
        {%- for factor in ['tce_calorific', 'tce_primary', 'co2e'] %}
        {{ distinct_texts(prefix ~ factor ~ '_factor_id') }} as {{ factor }}_factor_id,
        {%- endfor %}
        {{ weakest_verification(prefix ~ 'factor_verification_status') }} as factor_verification_status
{%- endmacro %}

{#- Factors behind the energy and carbon of what goes from one enterprise to another. -#}
{% macro transferred_measures() -%}
    {{ return({
        'tce_calorific': 'energy_tce_calorific',
        'tce_primary': 'energy_tce_primary',
        'tce_working_medium': 'energy_tce_working_medium',
        'co2e': 'co2e_t',
    }) }}
{%- endmacro %}

{#-
    Consumption of the park out of rows of its members (`members`, with the gross columns) and what they deliver to each
    other (`transfers`): the parts lose both sides of a delivery, the quantity loses what the two books differ by.
-#}
{% macro park_consumption_from(members, transfers, date) -%}
summed as (
    select
        {{ date }},
        item_code,
        item_kind,
        unit,
        {%- for measure in consumption_sums() %}
        {{ consumption_sum(measure) }} as {{ measure }},
        {%- endfor %}
        sum(quantity) as quantity,
        {{ factor_aggregates() }},
        max(case when is_factor_missing then 1 else 0 end) = 1 as is_factor_missing,
        count(distinct enterprise_id) as enterprises
    from {{ members }}
    group by {{ date }}, item_code, item_kind, unit
),

taken_out as (
    select
        {{ date }},
        item_code,
        unit,
        sum(quantity) as quantity,
        sum(received) as received,
        sum(sent) as sent,
        {%- for column in transferred_columns() %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ transfers }}
    group by {{ date }}, item_code, unit
),

without_transfers as (
    select
        summed.{{ date }},
        summed.item_code,
        summed.item_kind,
        summed.unit,
        {{ less('quantity') }},
        {%- for part in consumption_parts() %}
        {{ less(part) if part in ['received', 'sent'] else 'summed.' ~ part }},
        {%- endfor %}
        summed.recycled,
        summed.unmetered_quantity,
        {%- for column in transferred_columns() %}
        {{ less(column) }},
        {%- endfor %}
        {%- for provenance in provenances() %}
        summed.{{ provenance }}_gross,
        {%- endfor %}
        summed.covered_hours,
        summed.expected_hours,
        {%- for column in factor_columns() %}
        summed.{{ column }},
        {%- endfor %}
        summed.is_factor_missing,
        summed.enterprises
    from summed
    left join taken_out
        on summed.{{ date }} = taken_out.{{ date }} and summed.item_code = taken_out.item_code and summed.unit = taken_out.unit
)
{%- endmacro %}

{#-
    A sum less what is taken out of it. Sums of the same numbers in another order leave a billionth of them, which is nothing.
    The difference itself is not rounded: 0.0029649625 to nine decimals would be one figure or the other by the order of the sum.
-#}
{% macro less(measure) -%}
case
            when abs(summed.{{ measure }} - coalesce(taken_out.{{ measure }}, 0)) > 1e-9 * abs(summed.{{ measure }})
                then summed.{{ measure }} - coalesce(taken_out.{{ measure }}, 0)
            when summed.{{ measure }} is not null then cast(0 as double)
        end as {{ measure }}
{%- endmacro %}

{% macro published_park_consumption(relation, date) -%}
select
        cast('{{ park_id() }}' as varchar) as park_id,
        item_code,
        item_kind,
        {{ date }},
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
        is_factor_missing,
        cast(enterprises as bigint) as enterprises
    from {{ relation }}
{%- endmacro %}

{#-
    What comes through another item's meter and is settled apart (contracted green power in the grid's electricity): taken off that item
    where it is known for the same time. `known` are rows of whole enterprises with the gross columns, `targets` tells for
    `key` where the containing item is known and whether its parts are.
-#}
{% macro taken_off_containing(known, targets, key) -%}
select
        {%- for column in key %}
        {{ known }}.{{ column }},
        {%- endfor %}
        {{ known }}.enterprise_id,
        cast(null as varchar) as process_id,
        contained.contained_in as item_code,
        {{ known }}.unit,
        {%- for part in consumption_parts() %}
        {%- if part == 'purchased' %}
        case when {{ targets }}.has_parts then 0 - {{ amount_taken_in(known) }} end as purchased,
        {%- else %}
        cast(null as double) as {{ part }},
        {%- endif %}
        {%- endfor %}
        case when not {{ targets }}.has_parts then 0 - {{ amount_taken_in(known) }} end as consumed,
        cast(null as double) as recycled,
        cast(null as double) as unmetered_quantity,
        {%- for provenance in provenances() %}
        {{ known }}.{{ provenance }}_gross,
        {%- endfor %}
        cast(0 as double) as covered_hours,
        cast(0 as double) as expected_hours
    from {{ known }}
    inner join {{ ref('int_contained_items') }} as contained
        on {{ known }}.item_code = contained.item_code and {{ holds_on('contained', known ~ '.' ~ key[-1]) }}
    inner join {{ targets }}
        on {{ known }}.enterprise_id = {{ targets }}.enterprise_id
            and contained.contained_in = {{ targets }}.item_code
            and {{ known }}.unit = {{ targets }}.unit
            {%- for column in key %}
            and {{ known }}.{{ column }} = {{ targets }}.{{ column }}
            {%- endfor %}
    where {{ known }}.process_id is null and {{ amount_taken_in(known) }} <> 0
{%- endmacro %}

{#- The first known part of a row; null where none is. -#}
{% macro coalesced_parts() -%}coalesce({{ consumption_parts().keys() | join(', ') }}){%- endmacro %}

{#- What adds up where two rows are one. -#}
{% macro row_sums() -%}
    {{ return(
        consumption_parts().keys() | list + ['consumed', 'recycled', 'unmetered_quantity', 'measured_gross', 'substituted_gross']
        + ['estimated_gross', 'self_reported_gross', 'covered_hours', 'expected_hours']
    ) }}
{%- endmacro %}

{% macro amount_taken_in(row) -%}
coalesce(coalesce({{ row }}.purchased, 0) + coalesce({{ row }}.received, 0) + case
            when coalesce({{ row }}.purchased, {{ row }}.received) is null then {{ row }}.consumed else 0
        end, 0)
{%- endmacro %}

{#- Columns of a delivery that its park's consumption loses. -#}
{% macro transferred_columns() -%}{{ return(transferred_measures().values() | list + ['co2e_received_t', 'co2e_sent_t']) }}{%- endmacro %}

{#-
    Deliveries among members, both sides of each in one row, out of flows that have a counterparty. `key` is what dates a flow. Each
    side carries the energy and carbon that its own enterprise counts for it, so that the park loses exactly what the two books hold.
-#}
{% macro internal_transfers(flows_model, factors_model, measured_model, key, factors_hold, measured_share) -%}
{%- set ends = {
    'from_enterprise_id': "case flows.part when 'sent' then flows.enterprise_id else flows.counterparty_id end",
    'to_enterprise_id': "case flows.part when 'sent' then flows.counterparty_id else flows.enterprise_id end",
} -%}
{%- set date = key[-1] -%}
{%- set sources = {'tce_calorific': 'tce', 'tce_primary': 'tce', 'co2e': 'co2e'} -%}
with

flows as (
    select * from {{ ref(flows_model) }}
    where counterparty_id is not null
),

memberships as (
    select * from {{ ref('int_memberships_and_park') }}
),

factors as (
    select * from {{ ref(factors_model) }}
),

measured as (
    select * from {{ ref(measured_model) }}
),

internal as (
    select
        {%- for column in key %}
        flows.{{ column }},
        {%- endfor %}
        {%- for name, expression in ends.items() %}
        {{ expression }} as {{ name }},
        {%- endfor %}
        flows.delivery_point_id,
        flows.item_code,
        flows.unit,
        sum(case when flows.part = 'received' then flows.quantity end) as received,
        sum(case when flows.part = 'sent' then flows.quantity end) as sent
    from flows
    inner join memberships as own
        on flows.enterprise_id = own.enterprise_id and {{ holds_on('own', 'flows.' ~ date) }}
    inner join memberships as other
        on flows.counterparty_id = other.enterprise_id and {{ holds_on('other', 'flows.' ~ date) }}
    group by
        {%- for column in key %}
        flows.{{ column }},
        {%- endfor %}
        {%- for expression in ends.values() %}
        {{ expression }},
        {%- endfor %}
        flows.delivery_point_id,
        flows.item_code,
        flows.unit
),

with_factors as (
    select
        internal.*,
        factors.tce_working_medium as tce_working_medium_received,
        factors.tce_working_medium as tce_working_medium_sent,
        {%- for side, end in {'received': 'to', 'sent': 'from'}.items() %}
        {%- for measure, source in sources.items() %}
        {{ effective_factor(measure, source, 'factors', 'measured_' ~ end, measured_share.replace('measured.', 'measured_' ~ end ~ '.')) }}
            as {{ measure }}_{{ side }}{{ ',' if not loop.last }}
        {%- endfor %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from internal
    left join factors
        on internal.item_code = factors.item_code and {{ factors_hold }}
    {%- for end in ['to', 'from'] %}
    left join measured as measured_{{ end }}
        on internal.{{ end }}_enterprise_id = measured_{{ end }}.enterprise_id
            and internal.item_code = measured_{{ end }}.item_code
            {%- for column in key %}
            and internal.{{ column }} = measured_{{ end }}.{{ column }}
            {%- endfor %}
    {%- endfor %}
),

final as (
    select
        {{ key | join(', ') }},
        from_enterprise_id,
        to_enterprise_id,
        delivery_point_id,
        item_code,
        unit,
        received,
        sent,
        -- what arrived less what left: 0 where both books agree
        coalesce(received, 0) - coalesce(sent, 0) as quantity,
        {%- for measure, column in transferred_measures().items() %}
        coalesce(received, 0) * {{ measure }}_received - coalesce(sent, 0) * {{ measure }}_sent as {{ column }},
        {%- endfor %}
        coalesce(received, 0) * co2e_received as co2e_received_t,
        coalesce(sent, 0) * co2e_sent as co2e_sent_t
    from with_factors
)

select * from final
{%- endmacro %}

{#- Consumption of the park at a longer period: its days, and what no day knows of those that were members when the period began. -#}
{% macro park_consumption_of(grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
with

memberships as (
    select * from {{ ref('int_memberships_and_park') }}
),

-- who took part: of the park's own days nobody can tell
participants as (
    select
        {{ period_start('consumption.local_date', grain) }} as {{ column }},
        consumption.item_code,
        consumption.enterprise_id
    from {{ ref('enterprise_consumption_daily') }} as consumption
    inner join memberships
        on consumption.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'consumption.local_date') }}
    where consumption.process_id is null and {{ touched_filter('park', 'consumption', relation=relation) }}
),

days as (
    select
        {{ period_start('local_date', grain) }} as {{ column }},
        *,
        {{ gross_columns() }}
    from {{ ref('park_consumption_daily') }}
    where {{ touched_filter('park', relation=relation) }}
),

members as (
    select
        long_rows.period_start as {{ column }},
        long_rows.*
    from {{ ref('int_consumption_long') }} as long_rows
    inner join memberships
        on long_rows.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'long_rows.period_start') }}
    where long_rows.grain = '{{ grain }}' and long_rows.process_id is null
        and {{ touched_filter('park', 'long_rows', date='period_start', relation=relation) }}
),

transfers as (
    select
        period_start as {{ column }},
        *
    from {{ ref('int_internal_transfers_long') }}
    where grain = '{{ grain }}' and {{ touched_filter('park', date='period_start', relation=relation) }}
),

{{ park_consumption_from('members', 'transfers', column) }},

every_row as (
    {%- for source in ['days', 'without_transfers'] %}
    select
        {{ column }},
        item_code,
        item_kind,
        unit,
        {%- for measure in consumption_sums() %}
        {{ measure }},
        {%- endfor %}
        quantity,
        {{ factor_columns() | join(', ') }},
        is_factor_missing
    from {{ source }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

everybody as (
    select
        {{ column }},
        item_code,
        enterprise_id
    from participants
    union
    select
        {{ column }},
        item_code,
        enterprise_id
    from members
),

counted as (
    select
        {{ column }},
        item_code,
        count(*) as enterprises
    from everybody
    group by {{ column }}, item_code
),

-- days without a word are in no day's row, but their hours were owed
owed as (
    select
        enterprises.{{ column }},
        enterprises.item_code,
        sum(enterprises.expected_hours) as hours
    from {{ ref('enterprise_consumption_' ~ longer_periods()[grain].suffix) }} as enterprises
    inner join everybody
        on enterprises.enterprise_id = everybody.enterprise_id
            and enterprises.item_code = everybody.item_code
            and enterprises.{{ column }} = everybody.{{ column }}
    where enterprises.process_id is null and {{ touched_filter('park', 'enterprises', date=column, relation=relation) }}
    group by enterprises.{{ column }}, enterprises.item_code
),

whole as (
    select
        every_row.{{ column }},
        every_row.item_code,
        every_row.item_kind,
        every_row.unit,
        {%- for measure in consumption_sums() if measure != 'expected_hours' %}
        {{ consumption_sum(measure, 'every_row.') }} as {{ measure }},
        {%- endfor %}
        greatest(sum(every_row.expected_hours), coalesce(max(owed.hours), 0)) as expected_hours,
        sum(every_row.quantity) as quantity,
        {{ factor_aggregates('every_row.') }},
        max(case when every_row.is_factor_missing then 1 else 0 end) = 1 as is_factor_missing,
        max(counted.enterprises) as enterprises
    from every_row
    left join counted
        on every_row.{{ column }} = counted.{{ column }} and every_row.item_code = counted.item_code
    left join owed
        on every_row.{{ column }} = owed.{{ column }} and every_row.item_code = owed.item_code
    group by every_row.{{ column }}, every_row.item_code, every_row.item_kind, every_row.unit
),

final as (
{{ published_park_consumption('whole', column) }}
)

select * from final
{%- endmacro %}
