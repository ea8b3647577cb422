{#-
    Everything that is engine-specific, and nothing else: `default__` is DuckDB, `spark__` the way out when a
    province outgrows one machine. Models call the dispatching macro and otherwise keep to the SQL both understand.
-#}

{#- A naive UTC timestamp of the moment the statement runs. -#}
{% macro utc_now() -%}{{ return(adapter.dispatch('utc_now')()) }}{%- endmacro %}
{% macro default__utc_now() -%}cast(now() as timestamp){%- endmacro %}
{% macro spark__utc_now() -%}cast(current_timestamp() as timestamp){%- endmacro %}

{#- The instant, naive UTC, at which a local date begins in the park's zone. -#}
{% macro local_midnight_utc(local_date) -%}{{ return(adapter.dispatch('local_midnight_utc')(local_date)) }}{%- endmacro %}
{#- The session's zone is UTC (profiles.yml), so the cast back to a naive timestamp is the UTC instant. -#}
{% macro default__local_midnight_utc(local_date) -%}
cast(timezone('{{ park_zone() }}', cast({{ local_date }} as timestamp)) as timestamp)
{%- endmacro %}
{% macro spark__local_midnight_utc(local_date) -%}
to_utc_timestamp(cast({{ local_date }} as timestamp), '{{ park_zone() }}')
{%- endmacro %}

{#- Seconds from one timestamp to another, as a double, fractions kept. -#}
{% macro seconds_between(start, end) -%}{{ return(adapter.dispatch('seconds_between')(start, end)) }}{%- endmacro %}
{% macro default__seconds_between(start, end) -%}(epoch_us({{ end }}) - epoch_us({{ start }})) / cast(1000000 as double){%- endmacro %}
{% macro spark__seconds_between(start, end) -%}(unix_micros({{ end }}) - unix_micros({{ start }})) / cast(1000000 as double){%- endmacro %}

{#- The same in whole seconds, as an integer: what the length of a period is compared by. -#}
{% macro whole_seconds_between(start, end) -%}{{ return(adapter.dispatch('whole_seconds_between')(start, end)) }}{%- endmacro %}
{% macro default__whole_seconds_between(start, end) -%}(epoch_us({{ end }}) - epoch_us({{ start }})) // 1000000{%- endmacro %}
{% macro spark__whole_seconds_between(start, end) -%}(unix_micros({{ end }}) - unix_micros({{ start }})) div 1000000{%- endmacro %}

{#- A timestamp some hours later. -#}
{% macro hours_after(timestamp, hours) -%}{{ return(adapter.dispatch('hours_after')(timestamp, hours)) }}{%- endmacro %}
{% macro default__hours_after(timestamp, hours) -%}{{ timestamp }} + interval {{ hours }} hour{%- endmacro %}
{% macro spark__hours_after(timestamp, hours) -%}{{ timestamp }} + make_interval(0, 0, 0, 0, {{ hours }}){%- endmacro %}

{#- A relation `dates(local_date)` of every date from `first` to `last`, both inclusive; empty when either is null. -#}
{% macro date_series(first, last) -%}{{ return(adapter.dispatch('date_series')(first, last)) }}{%- endmacro %}
{% macro default__date_series(first, last) -%}
select cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)) as date) as local_date
{%- endmacro %}
{% macro spark__date_series(first, last) -%}
select explode(sequence(cast({{ first }} as date), cast({{ last }} as date), interval 1 day)) as local_date
{%- endmacro %}

{#- The date `days` after (or, negative, before) a date expression. -#}
{% macro days_after(local_date, days) -%}{{ return(adapter.dispatch('days_after')(local_date, days)) }}{%- endmacro %}
{% macro default__days_after(local_date, days) -%}cast({{ local_date }} + {{ days }} as date){%- endmacro %}
{% macro spark__days_after(local_date, days) -%}date_add({{ local_date }}, {{ days }}){%- endmacro %}

{#- A number, date or timestamp out of text, null where the text is none. -#}
{% macro try_cast(text, type) -%}{{ return(adapter.dispatch('try_cast')(text, type)) }}{%- endmacro %}
{% macro default__try_cast(text, type) -%}try_cast({{ text }} as {{ type }}){%- endmacro %}
{% macro spark__try_cast(text, type) -%}try_cast({{ text }} as {{ type }}){%- endmacro %}

{#- Texts of a group joined in order. -#}
{% macro ordered_text(text, separator, order) -%}{{ return(adapter.dispatch('ordered_text')(text, separator, order)) }}{%- endmacro %}
{% macro default__ordered_text(text, separator, order) -%}string_agg({{ text }}, '{{ separator }}' order by {{ order }}){%- endmacro %}
{% macro spark__ordered_text(text, separator, order) -%}
array_join(transform(array_sort(collect_list(struct({{ order }} as position, {{ text }} as word))), pair -> pair.word), '{{ separator }}')
{%- endmacro %}

{#- Whether a text matches a regular expression anywhere. -#}
{% macro matches(text, pattern) -%}{{ return(adapter.dispatch('matches')(text, pattern)) }}{%- endmacro %}
{% macro default__matches(text, pattern) -%}regexp_matches({{ text }}, '{{ pattern }}'){%- endmacro %}
{% macro spark__matches(text, pattern) -%}({{ text }} rlike '{{ pattern }}'){%- endmacro %}

{#- A text split at a separator, as one row per word: `select … from x, <split_to_rows> as words(word)`. -#}
{% macro split_to_rows(text, separator) -%}{{ return(adapter.dispatch('split_to_rows')(text, separator)) }}{%- endmacro %}
{% macro default__split_to_rows(text, separator) -%}unnest(string_split({{ text }}, '{{ separator }}')){%- endmacro %}
{% macro spark__split_to_rows(text, separator) -%}lateral explode(split({{ text }}, '{{ separator }}')){%- endmacro %}
