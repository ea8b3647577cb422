{#- Like share_between for several columns of a table in one pass. Returns the rows where any of them is not a share. -#}
{% test shares_between(model, columns, at_least=0, at_most=1) %}
select *
from {{ model }}
where {% for column in columns %}{{ column }} not between {{ at_least }} - 1e-9 and {{ at_most }} + 1e-9{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
