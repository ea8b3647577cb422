{#-
    Quarters whose substituted masses may have changed, each under its first day: those of changed dates, the one after, which begins
    where its forerunner ended, and later ones whose gaps were filled by looking back across a changed date. Few and cheap: what is
    found to be the same is not restated.
-#}
{{ config(materialized='table') }}

{%- set before = rows_before('int_substitutions') %}

with

changed as (
    select
        local_date,
        max(change_seq) as change_seq
    from {{ ref('int_changed_enterprise_dates') }}
    group by local_date
),

quarters as (
    select
        {{ period_start('local_date', 'quarter') }} as local_date,
        change_seq
    from changed
    union all
    select
        {{ period_end(period_start('local_date', 'quarter'), 'quarter') }} as local_date,
        change_seq
    from changed
    {%- if before %}
    union all
    select
        reaches.quarter_start_date as local_date,
        changed.change_seq
    from (
        select
            quarter_start_date,
            min(reaches_back_to) as reaches_back_to
        from {{ before }}
        group by quarter_start_date
    ) as reaches
    inner join changed
        on changed.local_date >= reaches.reaches_back_to and changed.local_date < reaches.quarter_start_date
    {%- endif %}
),

final as (
    select
        local_date,
        max(change_seq) as change_seq
    from quarters
    group by local_date
)

select * from final
