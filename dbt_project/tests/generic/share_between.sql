{#- A share is null (nothing to have a share of) or from 0 to 1, to within 1e-9. Returns the rows where it is not. -#}
{% test share_between(model, column_name, at_least=0, at_most=1) %}
select *
from {{ model }}
where {{ column_name }} is not null
    and ({{ column_name }} < {{ at_least }} - 1e-9 or {{ column_name }} > {{ at_most }} + 1e-9 or isnan({{ column_name }}))
{% endtest %}
