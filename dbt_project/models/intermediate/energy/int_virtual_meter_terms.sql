{#- A formula like `+A -B` as its terms. Point ids may hold signs and hyphens, so the sign is what a word begins with. -#}
with

virtual_meters as (
    select * from {{ ref('int_meter_links') }}
    where role = 'virtual' and formula is not null
),

words as (
    select
        virtual_meters.point_id,
        virtual_meters.valid_from,
        virtual_meters.valid_to,
        trim(word) as word
    from virtual_meters,
        {{ split_to_rows('virtual_meters.formula', ' ') }} as words (word)
),

signed as (
    select
        point_id,
        valid_from,
        valid_to,
        case when substr(word, 1, 1) = '-' then -1 else 1 end as sign,
        case when substr(word, 1, 1) in ('+', '-') then substr(word, 2) else word end as term_point_id
    from words
    where word <> ''
),

final as (
    select
        point_id,
        term_point_id,
        sign,
        count(*) over (partition by point_id, valid_from) as terms,
        valid_from,
        valid_to
    from signed
)

select * from final
