{#-
    Environmental protection tax of an enterprise by kind, estimated: on air and water by pollution equivalents, on solid waste by what is
    generated and neither stored, disposed of, used nor handed on. Declared to the tax office by the quarter. Noise is not in it: no
    record tells by how much a border is exceeded.
-#}
with

equivalents as (
    select
        enterprise_id,
        medium as tax_kind,
        month_start_date,
        sum(case when is_taxed then pollution_equivalents else 0 end) as pollution_equivalents,
        sum(tax_unreduced_cny) as tax_unreduced_cny,
        case when count(case when is_taxed and rate_cny is null then 1 end) = 0 then sum(tax_cny) end as tax_cny,
        count(case when is_taxed then 1 end) as items_taxed,
        {{ weakest_verification('verification_status') }} as verification_status,
        {{ weakest_state('state') }} as state
    from {{ ref('pollution_equivalents_monthly') }}
    group by enterprise_id, medium, month_start_date
),

waste as (
    select * from {{ ref('enterprise_waste_monthly') }}
),

rates as (
    select * from {{ ref('int_tax_rates') }}
    where tax_kind = 'solid_waste'
),

-- by the list's code where it has a rate of its own (SW04 coal gangue), else by kind
waste_rates as (
    select
        waste.enterprise_id,
        waste.waste_kind,
        waste.waste_code,
        waste.month_start_date,
        min_by(
            rates.rate_cny,
            rates.preference + case when rates.subject_code in ('hazardous', 'general') then 10 else 0 end
        ) as rate_cny,
        min_by(
            rates.verification_status,
            rates.preference + case when rates.subject_code in ('hazardous', 'general') then 10 else 0 end
        ) as verification_status
    from waste
    inner join rates
        on (waste.waste_code like rates.subject_code || '%' or waste.waste_kind = rates.subject_code)
            and {{ holds_on('rates', 'waste.month_start_date') }}
    group by waste.enterprise_id, waste.waste_kind, waste.waste_code, waste.month_start_date
),

-- kinds are balanced as wholes: what is generated under one code may be handed on under another
waste_kinds as (
    select
        waste.enterprise_id,
        waste.waste_kind,
        waste.month_start_date,
        {%- for mass in waste_masses() %}
        sum(waste.{{ mass }}) as {{ mass }},
        {%- endfor %}
        sum(waste.generated_t * waste_rates.rate_cny) / nullif(sum(waste.generated_t), 0) as rate_cny,
        {{ weakest_verification('waste_rates.verification_status') }} as verification_status,
        {{ weakest_state('waste.state') }} as state
    from waste
    left join waste_rates
        on waste.enterprise_id = waste_rates.enterprise_id
            and waste.waste_kind = waste_rates.waste_kind
            and waste.waste_code = waste_rates.waste_code
            and waste.month_start_date = waste_rates.month_start_date
    group by waste.enterprise_id, waste.waste_kind, waste.month_start_date
),

balanced as (
    select
        *,
        greatest({{ waste_unexplained() }}, 0) as taxable_t
    from waste_kinds
    where generated_t is not null
),

solid_waste as (
    select
        enterprise_id,
        'solid_waste' as tax_kind,
        month_start_date,
        sum(taxable_t) as taxable_t,
        sum(taxable_t * rate_cny) as tax_cny,
        count(case when taxable_t > 0 then 1 end) as items_taxed,
        {{ weakest_verification('verification_status') }} as verification_status,
        {{ weakest_state('state') }} as state
    from balanced
    group by enterprise_id, month_start_date
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        tax_kind,
        month_start_date,
        pollution_equivalents,
        cast(null as double) as taxable_t,
        tax_unreduced_cny,
        tax_cny,
        cast(items_taxed as bigint) as items_taxed,
        verification_status,
        state
    from equivalents
    union all
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        tax_kind,
        month_start_date,
        cast(null as double) as pollution_equivalents,
        taxable_t,
        tax_cny as tax_unreduced_cny,
        tax_cny,
        cast(items_taxed as bigint) as items_taxed,
        verification_status,
        state
    from solid_waste
)

select * from final
