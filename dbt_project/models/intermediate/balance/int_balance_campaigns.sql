{#-
    Measurement campaigns of balances (实测): events of category `balance_campaign`, about an enterprise or one of its processes, from
    the day they began to the day they were over. One that is not over is not balanced yet.
-#}
with

events as (
    select * from {{ ref('stg_events') }}
    where category = 'balance_campaign' and ended_on > occurred_on
),

processes as (
    select * from {{ ref('int_processes') }}
),

final as (
    select
        events.event_id as campaign_id,
        events.subject_kind,
        events.subject_id,
        case when events.subject_kind = 'enterprise' then events.subject_id else processes.enterprise_id end as enterprise_id,
        processes.process_id,
        events.occurred_on as starts_on,
        events.ended_on as ends_on
    from events
    left join processes
        on events.subject_kind = 'process' and events.subject_id = processes.process_id
            and {{ holds_on('processes', 'events.occurred_on') }}
    where events.subject_kind = 'enterprise' or processes.process_id is not null
)

select * from final
