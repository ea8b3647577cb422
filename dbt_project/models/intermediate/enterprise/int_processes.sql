with

processes as (
    select * from {{ ref('stg_processes') }}
),

final as (
    select
        process_id,
        enterprise_id,
        process_code,
        valid_from,
        {{ validity_end('process_id') }} as valid_to
    from processes
)

select * from final
