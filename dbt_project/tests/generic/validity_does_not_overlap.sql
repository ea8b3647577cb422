{#-
    Of one key no two rows hold on the same date: valid_from is inclusive, valid_to exclusive and null for still. Returns each row
    that begins before its predecessor has ended.
-#}
{% test validity_does_not_overlap(model, columns) %}
with

followed as (
    select
        {{ columns | join(',\n        ') }},
        valid_from,
        valid_to,
        lead(valid_from) over (partition by {{ columns | join(', ') }} order by valid_from) as next_from
    from {{ model }}
)

select *
from followed
where next_from < coalesce(valid_to, cast('9999-12-31' as date))
{% endtest %}
