{#-
    Solid waste by code at every longer period: manifests and ledgers, and what enterprises declare where no manifest speaks. Asked is per
    enterprise, kind of waste, movement and period: who has manifests of what left and none of what was generated declares
    the latter. In a quarter or year with manifests in some months, declarations fill exactly the other months.

    Of declared items the total of the kind (hazardous_waste, general_solid_waste) goes before its parts, which would count twice.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park', 'period': 'year', 'date': 'year_start_date'}},
) }}

{%- set scope = ['enterprise_id', 'waste_kind', 'movement'] %}
{%- set columns = ['period_start'] + scope + ['waste_code', 'is_member', 'origin', 'quantity_t', 'inside_t', 'lines', 'state'] %}

with

movements as (
    select * from {{ ref('stg_waste_movements') }}
    where {{ touched_filter('park', date='moved_on') }}
),

memberships as (
    select * from {{ ref('int_memberships') }}
),

groups as (
    select
        item_group,
        item_code,
        position,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_item_groups') }}
    where item_group in ('hazardous_waste', 'general_waste')
),

-- manifests that name a member as receiver, so that the receiver's own line is known as the other end
handed_inside as (
    select distinct
        movements.manifest_id,
        movements.line_id
    from movements
    inner join memberships
        on movements.receiver_id = memberships.enterprise_id and {{ holds_on('memberships', 'movements.moved_on') }}
    inner join memberships as senders
        on movements.enterprise_id = senders.enterprise_id and {{ holds_on('senders', 'movements.moved_on') }}
    where movements.movement = 'transferred'
),

lines as (
    select
        movements.*,
        memberships.enterprise_id is not null as is_member,
        handed_inside.manifest_id is not null and movements.movement in ('transferred', 'received') as is_inside
    from movements
    left join memberships
        on movements.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'movements.moved_on') }}
    left join handed_inside
        on movements.manifest_id = handed_inside.manifest_id and movements.line_id = handed_inside.line_id
),

{%- for grain in longer_periods() %}

manifests_{{ grain }} as (
    select
        {{ period_start('moved_on', grain) }} as period_start,
        enterprise_id,
        waste_kind,
        movement,
        waste_code,
        is_member,
        'manifest' as origin,
        sum(quantity_t) as quantity_t,
        sum(case when is_inside then quantity_t end) as inside_t,
        count(*) as lines,
        {{ weakest_state('state') }} as state
    from lines
    group by {{ period_start('moved_on', grain) }}, enterprise_id, waste_kind, movement, waste_code, is_member
),
{%- endfor %}

media as (
    {%- for movement, words in waste_movements().items() if words %}
    {%- set outer = loop %}
    {%- for word in words %}
    select
        '{{ movement }}' as movement,
        '{{ word }}' as medium
    {{ 'union all' if not (outer.last and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

reports as (
    select
        reports.grain,
        reports.period_start,
        reports.enterprise_id,
        case groups.item_group when 'hazardous_waste' then 'hazardous' else 'general' end as waste_kind,
        media.movement,
        reports.item_code as waste_code,
        memberships.enterprise_id is not null as is_member,
        'self_report' as origin,
        sum(reports.value) as quantity_t,
        cast(null as double) as inside_t,
        count(*) as lines,
        {{ weakest_state('reports.state') }} as state,
        min(groups.position) as position,
        reports.process_id is not null as is_of_parts
    from {{ ref('int_self_report_periods') }} as reports
    inner join groups
        on reports.item_code = groups.item_code and {{ holds_on('groups', 'reports.period_start') }}
    inner join media on reports.medium = media.medium
    left join memberships
        on reports.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'reports.period_start') }}
    where reports.grain <> 'day' and reports.outlet_id is null and reports.product_code is null
        and coalesce(reports.unit, 't') = 't'
        and {{ touched_filter('park', 'reports', date='year_start_date') }}
    group by
        reports.grain, reports.period_start, reports.enterprise_id, groups.item_group, media.movement, reports.item_code,
        memberships.enterprise_id is not null, reports.process_id is not null
),

-- the enterprise's own figure goes before the sum of its processes
chosen_reports as (
    select
        *,
        row_number() over (
            partition by grain, period_start, {{ scope | join(', ') }}, waste_code
            order by case when quantity_t is null then 1 else 0 end, is_of_parts
        ) as choice
    from reports
),

ranked as (
    select
        *,
        min(case when quantity_t is not null then position end) over (
            partition by grain, period_start, {{ scope | join(', ') }}
        ) as first_position
    from chosen_reports
    where choice = 1
),

-- the total where it is said, else all its parts
declared as (
    select * from ranked
    where coalesce(first_position, 2) > 1 or position = 1
),

{%- for grain, settings in longer_periods().items() %}

declared_{{ grain }} as (
    select {{ columns | join(', ') }}
    from declared
    where grain = '{{ grain }}'
        and (period_start, {{ scope | join(', ') }}) not in (
            select
                period_start,
                {{ scope | join(', ') }}
            from manifests_{{ grain }}
        )
    {%- if settings.shorter %}

    union all

    select
        {{ period_start('shorter.period_start', grain) }} as period_start,
        {%- for column in scope %}
        shorter.{{ column }},
        {%- endfor %}
        shorter.waste_code,
        shorter.is_member,
        shorter.origin,
        sum(shorter.quantity_t) as quantity_t,
        sum(shorter.inside_t) as inside_t,
        sum(shorter.lines) as lines,
        {{ weakest_state('shorter.state') }} as state
    from declared_{{ settings.shorter }} as shorter
    where ({{ period_start('shorter.period_start', grain) }}, {{ scope | join(', ') }}) in (
            select
                period_start,
                {{ scope | join(', ') }}
            from manifests_{{ grain }}
        )
    group by
        {{ period_start('shorter.period_start', grain) }},
        {%- for column in scope %}
        shorter.{{ column }},
        {%- endfor %}
        shorter.waste_code,
        shorter.is_member,
        shorter.origin
    {%- endif %}
),
{%- endfor %}

every_row as (
    {%- for grain in longer_periods() %}
    {%- for source in ['manifests', 'declared'] %}
    select
        '{{ grain }}' as grain,
        {{ columns | join(', ') }}
    from {{ source }}_{{ grain }}
    {{ 'union all' if not (grain == 'year' and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

final as (
    select
        cast(date_trunc('year', period_start) as date) as year_start_date,
        grain,
        period_start,
        enterprise_id,
        waste_kind,
        waste_code,
        is_member,
        origin,
        {%- for movement in waste_movements() %}
        sum(case when movement = '{{ movement }}' then quantity_t end) as {{ movement }}_t,
        {%- endfor %}
        sum(case when movement = 'transferred' then inside_t end) as transferred_inside_t,
        sum(case when movement = 'received' then inside_t end) as received_inside_t,
        cast(sum(lines) as bigint) as lines,
        {{ weakest_state('state') }} as state
    from every_row
    group by grain, period_start, enterprise_id, waste_kind, waste_code, is_member, origin
)

select * from final
