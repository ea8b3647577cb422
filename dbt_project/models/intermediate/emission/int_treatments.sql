{#-
    Treatment facilities, with what each removes: its efficiency as tested, else as rated, else that of its kind; and the share of the
    time in which its kind runs, where nobody declares its own.
-#}
with

technologies as (
    {{ own_before_shipped(
        'stg_treatment_technologies', ['technology_code', 'pollutant_code', 'removal_efficiency', 'running_rate'],
        'technology_code, pollutant_code',
    ) }}
),

equipment as (
    select
        equipment_id,
        enterprise_id,
        process_id,
        equipment_code,
        treats_parameter,
        coalesce(actual_efficiency, rated_efficiency) as own_efficiency,
        valid_from,
        {{ validity_end('equipment_id') }} as valid_to
    from {{ ref('stg_equipment') }}
),

facilities as (
    select * from equipment
    where treats_parameter is not null
),

-- of a kind's rows the one that names the pollutant; `*` for kinds that have none
ranked as (
    select
        facilities.equipment_id,
        facilities.enterprise_id,
        facilities.process_id,
        facilities.treats_parameter as pollutant_code,
        coalesce(facilities.own_efficiency, technologies.removal_efficiency) as removal_efficiency,
        technologies.running_rate,
        greatest(facilities.valid_from, coalesce(technologies.valid_from, facilities.valid_from)) as valid_from,
        least(facilities.valid_to, coalesce(technologies.valid_to, facilities.valid_to)) as valid_to,
        dense_rank() over (
            partition by facilities.equipment_id, facilities.valid_from
            order by
                case when technologies.technology_code = facilities.equipment_code then 0 else 1 end,
                case when technologies.pollutant_code = facilities.treats_parameter then 0 else 1 end
        ) as choice
    from facilities
    left join technologies
        on technologies.technology_code in (facilities.equipment_code, '*')
            and technologies.pollutant_code in (facilities.treats_parameter, '*')
            and technologies.valid_from < facilities.valid_to
            and facilities.valid_from < technologies.valid_to
),

final as (
    select
        equipment_id,
        enterprise_id,
        process_id,
        pollutant_code,
        removal_efficiency,
        running_rate,
        valid_from,
        valid_to
    from ranked
    where choice = 1 and valid_from < valid_to
)

select * from final
