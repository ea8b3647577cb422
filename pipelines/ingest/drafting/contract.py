"""A drafted contract: YAML with what the file shows, and a comment wherever a person must decide.

Every draft is a contract that can be read; what it could not know stands as TODO, which the contract check finds.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import yaml

from pipelines.contracts.feed import FeedContract, Format, FormatKind, Label
from pipelines.contracts.records import DATE, INSTANT, RECORD_TYPES, SELF_REPORT, RecordType
from pipelines.contracts.states import Statistic
from pipelines.ingest.drafting.columns import NumberColumn, Table
from pipelines.ingest.drafting.formats import find_format
from pipelines.ingest.readers import read
from pipelines.ingest.readers.table import SOURCE_ROW
from pipelines.ingest.references import References, Unresolved
from pipelines.ingest.templates import column_zh, form_columns

TODO = "TODO"
_BY_RULE = {"state", "line_id", "parent_point_id", "event_date"}
_COMPUTED = {"value_raw", "unit_raw"}
_MANY = 12


@dataclass
class Draft:
    """The text, the contract it is, and what its reader should be told."""

    text: str
    contract: FeedContract
    notes: list[str] = field(default_factory=list)


def draft(
    path: Path, references: References, zone: ZoneInfo, *, record: str | None = None, feed_id: str | None = None, max_bytes: int = 1 << 30
) -> Draft:
    """A contract for files like this one.

    `record` says what the file holds where it is known; otherwise a file whose columns are those of a record type is one, and
    everything else is a file of readings. Raises Unreadable for what is no table, and KeyError for a record that does not exist.
    """
    found = find_format(path.read_bytes(), path.name)
    raw = read(path, found.format, max_bytes=max_bytes)
    table = Table(raw.frame, found.format, references, zone)
    kind = RECORD_TYPES[record] if record else _record_of(table)
    name = feed_id or _slug(path)
    head = [
        "# Drafted from " + path.name + ": look at every comment, then `park-audit feed check` and `feed preview`.",
        f"feed_id: {name}",
        f"record: {kind.name}",
        "owner: TODO@park.example  # decide: who is asked when it is late or wrong",
        f"source: {{drop: {_quoted(f'{name}/**/*.{found.ending}')}}}  # where its files lie below raw/",
    ]
    notes = list(found.notes)
    body = _readings(table, notes) if kind.name == "reading" else _records(table, kind, notes)
    text = "\n".join([*head, *_format(found.format, table), *body]) + "\n"
    return Draft(text, FeedContract.model_validate(yaml.safe_load(text)), notes)


def _record_of(table: Table) -> RecordType:
    """A record type whose required columns the file has by name; readings otherwise."""
    names = set(table.names)

    def fits(record: RecordType) -> int:
        needed = {column.name for column in record.columns if column.required} - _BY_RULE
        return sum(column.name in names for column in record.columns) if needed and needed <= names else 0

    best = max((record for record in RECORD_TYPES.values() if record.name != "reading"), key=fits)
    if fits(best):
        return best
    # A month or a year beside the names of items is a declaration, whatever other dates stand in the row.
    month = table.months[0] if table.months else None
    declares = month is not None and (table.time is None or table.parameter_column is not None or table.time.columns == (month,))
    return RECORD_TYPES["self_report" if declares else "reading"]


def _slug(path: Path) -> str:
    """A feed's name from a file's: letters that a feed may have, without dates."""
    words = re.sub(r"\d{4}[-_]?\d{2}([-_]?\d{2})?|\d{6,}", "", path.name.partition(".")[0])
    for name in (words, path.resolve().parent.name):
        slug = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
        if re.match(r"[a-z][a-z0-9_]", slug):
            return slug[:60]
    return "drafted"


# -- format ----------------------------------------------------------------------------------------------------------------


def _format(given: Format, table: Table) -> list[str]:
    """The key `format`, with the words that stand for nothing."""
    said = given.model_dump(mode="json", exclude_defaults=True) | {"kind": given.kind.value}
    order = ["kind", "encoding", "separator", "decimal", "skip_rows", "header_rows", "sheet", "record_path", "columns"]
    parts = [f"{key}: {_quoted(said[key])}" for key in order if key in said]
    marks = list(dict.fromkeys(mark for number in table.numbers for mark in number.marks if not re.search(r"\d", mark)))
    marks = [mark for mark in marks if mark not in given.null_values][:6]
    lines = []
    if marks:
        parts.append(f"null_values: {_quoted([*given.null_values, *marks])}")
        lines.append(
            "# decide: the words in null_values that are no numbers are taken for empty cells; an error word should be refused instead"
        )
    if any(number.sentinels for number in table.numbers):
        shown = sorted({mark for number in table.numbers for mark in number.sentinels})
        lines.append(f"# decide: does {' or '.join(shown)} stand for nothing measured? Then add it to null_values")
    if given.kind is FormatKind.CSV and given.encoding == "cp1252":
        lines.append("# decide: the encoding could not be proved; cp1252 is a guess")
    if given.columns is not None:
        lines.append("# decide: the file has no header; name its columns")
    return [*lines, f"format: {{{', '.join(parts)}}}"]


# -- readings --------------------------------------------------------------------------------------------------------------


def _readings(table: Table, notes: list[str]) -> list[str]:
    is_long = table.parameter_column is not None and table.value_column is not None
    registers = all(number.statistic is Statistic.REGISTER for number in table.numbers) if table.numbers else False
    lines = [
        "# if these are no readings of devices, meters or samples, say what they are: feed draft --record",
        *_time(table, notes, registers),
        "source_kind: automatic  # decide: automatic, platform_copy, manual_lab or manual_entry",
    ]
    lines += _long(table) if is_long else _wide(table, notes)
    if table.flag_column is not None:
        name, placed, unknown = table.flag_column
        lines.append(
            "# decide: what every word of the flag column means in HJ 212 letters"
            + (f"; nothing is known of {_some(unknown)}" if unknown else "")
        )
        lines.append(f"flags: {{column: {_quoted(name)}, map: {_mapping(placed)}}}")
    step = table.time.step if table.time else None
    if step and step <= timedelta(days=1):
        per_day = timedelta(days=1) / step
        lines.append(f"expects: {{rows_per_day: {per_day:g}}}  # and late_after: how old the newest value may be")
    lines.append("ignore: rest  # or name the columns, to hear of new ones")
    return lines


def _time(table: Table, notes: list[str], registers: bool) -> list[str]:
    found = table.time
    if found is None:
        notes.append("no column places the rows in time")
        return [
            "# decide: no column was found that holds times; without one this is no feed of readings",
            f'time: {{column: {TODO}, pattern: "%Y-%m-%d %H:%M", step: 1h, label: start}}',
        ]
    where = f"column: {_quoted(found.columns[0])}" if len(found.columns) == 1 else f"columns: {_quoted(list(found.columns))}"
    lines, said = [], []
    if found.other_pattern:
        lines.append(f"# decide: every stamp also reads as {found.other_pattern}: is the day or the month first?")
        notes.append(f"the stamps read as {found.pattern} and as {found.other_pattern}")
    if found.step is None:
        lines.append("# decide: the step could not be told from one stamp")
    elif not found.is_even:
        lines.append("# decide: the stamps lie unevenly; step is the commonest distance")
    elif found.step > timedelta(days=27):
        lines.append("# the stamps lie about a month apart")
    label = Label.INSTANT if registers else found.label or Label.START
    if label is Label.INSTANT:
        lines.append("# a meter's register is read at a moment")
    elif found.label is Label.END:
        lines.append("# stamps of 24:00: they label the end of their period")
    else:
        lines.append("# decide: does a stamp label the start or the end of its period? Nothing in a file says so")
    if not found.dated:
        said.append("first_date: 2000-01-01")
        lines.append("# decide: rows carry a time of day only; first_date is the date of the first row")
        notes.append("rows carry a time of day only: their dates must be counted from a first one")
    parts = [where, f"pattern: {_quoted(found.pattern)}", f"step: {_duration(found.step)}", f"label: {label.value}", *said]
    return [*lines, f"time: {{{', '.join(parts)}}}  # and zone, where it is not the park's"]


def _duration(step: timedelta | None) -> str:
    minutes = int((step or timedelta(hours=1)).total_seconds() // 60) or 1
    return f"{minutes // 1440}d" if minutes % 1440 == 0 else f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}min"


def _wide(table: Table, notes: list[str]) -> list[str]:
    points, lines = table.point_columns, []
    if points:
        lines += _points(table, points)
    else:
        lines.append(f"# decide: the point that the columns belong to; {TODO} until it is registered")
    if not table.numbers:
        notes.append("no column holds numbers")
        return [*lines, "values:", f"  - {{column: {TODO}, point: {TODO}, parameter: {TODO}, statistic: avg, unit: {TODO}}}"]
    lines.append("values:")
    for number in table.numbers:
        lines += _value(table, number, with_point=not points)
    return lines


def _value(table: Table, number: NumberColumn, *, with_point: bool) -> list[str]:
    parameter = number.parameter.code if number.parameter else TODO
    unit = number.unit
    asked = []
    if number.parameter is None:
        asked.append("parameter" + (f", near are {', '.join(number.near)}" if number.near else ""))
    if unit is None:
        kept = number.parameter.canonical_unit(total=number.statistic.is_total) if number.parameter else None
        asked.append(f"unit{f', it is kept in {kept}' if kept else ''}")
    parts = [f"column: {_quoted(number.name)}"]
    if with_point:
        parts.append(f"point: {TODO}")
    parts += [f"parameter: {_quoted(parameter)}", f"statistic: {number.statistic.value}", f"unit: {_quoted(unit or TODO)}"]
    note = f"  # decide: {'; '.join(asked)}" if asked else ""
    if number.parameter is None and number.unit is None:  # a column that may be no measurement at all
        return (
            [f"  # - {{{', '.join(parts)}}}{note}"]
            if len(table.numbers) > 1 and _some_known(table)
            else [f"  - {{{', '.join(parts)}}}{note}"]
        )
    return [f"  - {{{', '.join(parts)}}}{note}"]


def _some_known(table: Table) -> bool:
    return any(number.parameter is not None or number.unit is not None for number in table.numbers)


def _points(table: Table, names: tuple[str, ...]) -> list[str]:
    """How the columns that tell points apart are read, in `columns` of a wide file."""
    source, asked = _point(table, names)
    return [*asked, f"columns:\n  point_id: {source}"]


def _point(table: Table, names: tuple[str, ...]) -> tuple[str, list[str]]:
    """The source of the point, and what is to be decided about it."""
    if len(names) > 1:
        template = "-".join(f"{{{name}}}" for name in names)
        return f"{{template: {_quoted(template)}}}", [
            f"# decide: {' and '.join(names)} together tell the points apart; register them under such names"
        ]
    name = names[0]
    if scheme := table.scheme_of(name):
        return f"{{column: {_quoted(name)}, scheme: {scheme}}}", []
    words = table.words(name)
    source = f"{{column: {_quoted(name)}}}"
    if set(table.references.register("point")["point_id"]) & set(words):
        return source, []
    return source, [
        f"# decide: {name} has {len(words)} words ({_some(words)}): register them as points, or in the identifier register and name its scheme, or map them"
    ]


def _long(table: Table) -> list[str]:
    name = table.parameter_column or TODO
    lines = []
    words = table.words(name)
    unknown = [word for word in words if isinstance(table.references.parameter(word, hint=False), Unresolved)]
    parameter = f"{{column: {_quoted(name)}}}"
    if unknown:
        lines.append(f"# decide: {_some(unknown)} of {name} name no parameter; map them, as map: {{word: code}}")
    source = TODO
    if points := table.point_columns:
        source, asked = _point(table, points)
        lines += asked
    else:
        lines.append(f"# decide: the point; {TODO} until it is registered")
    number = next(number for number in table.numbers if number.name == table.value_column)
    if table.unit_column:
        unit = f"{{column: {_quoted(table.unit_column)}}}"
        odd = [word for word in table.words(table.unit_column) if word not in table.references.units]
        if odd:
            lines.append(f"# decide: {_some(odd)} of {table.unit_column} are no units of units.csv; map them")
    else:
        unit = _quoted(number.unit or TODO)
        lines.append("# decide: the unit stands nowhere in the file" if number.unit is None else "")
    lines.append("# decide: avg is a mean over the step, cou a total of it, register a meter's reading, rtd a spot value")
    return [
        *(line for line in lines if line),
        "values:",
        f"  point: {source}",
        f"  parameter: {parameter}",
        f"  statistic: {number.statistic.value}",
        f"  value: {{column: {_quoted(table.value_column)}}}",
        f"  unit: {unit}",
    ]


# -- other records ---------------------------------------------------------------------------------------------------------


def _records(table: Table, record: RecordType, notes: list[str]) -> list[str]:
    """Columns of the file under the record's own names, matched by their English or Chinese name; the rest as questions."""
    lines: list[str] = []
    columns: dict[str, str] = {}
    for header, column in form_columns(record).items():
        if column.name in table.names or (record.name == "self_report" and column.name in ("value", "unit", "item_code")):
            continue
        if (same := _named(table, record, header)) is not None and same not in columns.values():
            columns[column.name] = same
    declared = _declared(table) if record.name == "self_report" and "item_code" not in table.names else []
    period = table.months if record.name == "self_report" and not {"period_start", "period_end"} <= set(table.names) else None
    if period is not None:
        name, pattern, length = period
        lines.append(f"period: {{column: {_quoted(name)}, pattern: {_quoted(pattern)}, length: {length}}}")
        columns = {canonical: source for canonical, source in columns.items() if canonical not in ("period_start", "period_end")}
    given = set(columns) | set(table.names) | _BY_RULE | ({"period_start", "period_end"} if period else set())
    sources = [
        f"  {canonical}: {_source(table, record, canonical, source)}" for canonical, source in columns.items() if canonical not in _COMPUTED
    ]
    sources += [
        f"  {name}: {_source(table, record, name, name)}"
        for name in table.names
        if name in record.by_name and _pattern(table, record, name, name) is not None
    ]
    given |= {"item_code", "medium"} if declared else set()
    lacking = [column for column in record.columns if column.required and column.name not in given]
    if sources:
        lines += ["columns:", *sources]
    elif lacking:
        lines.append("# columns:")
    for column in lacking:
        right = (
            f"one of {', '.join(column.allowed)}" if column.allowed else column.description[0].lower() + column.description[1:].rstrip(".")
        )
        lines.append(f"  # {column.name}: …  decide: a column of the file or a word that always holds; {right}")
    if lacking:
        notes.append(f"a {record.name} also needs {', '.join(column.name for column in lacking)}")
    lines += declared
    used = set(columns.values()) | set(record.by_name) | ({period[0]} if period else set()) | _read_by(table, declared)
    if unused := [name for name in table.names if name not in used]:
        lines.append(f"ignore: {_quoted(unused)}  # decide: columns that nothing is known of")
    return lines


def _declared(table: Table) -> list[str]:
    """The values of a declaration: one column of them beside the names of items, or a column an item."""
    medium = f"medium: {TODO}  # decide: {', '.join(SELF_REPORT.by_name['medium'].allowed)}"
    if table.parameter_column is not None and table.value_column is not None:
        unit = f"{{column: {_quoted(table.unit_column)}}}" if table.unit_column else f"{TODO}  # decide"
        item, value = _quoted(table.parameter_column), _quoted(table.value_column)
        return ["values:", f"  item: {{column: {item}}}", f"  {medium}", f"  value: {{column: {value}}}", f"  unit: {unit}"]
    lines = []
    for number in table.numbers:
        item = number.parameter.code if number.parameter else TODO
        parts = f"column: {_quoted(number.name)}, item: {_quoted(item)}, medium: {TODO}, unit: {_quoted(number.unit or TODO)}"
        lines.append(f"  {'' if number.parameter or number.unit else '# '}- {{{parts}}}")
    if not any(not line.lstrip().startswith("#") for line in lines):
        return []
    return [f"# decide: the {medium.partition(':')[0]} of every value; {medium.partition('decide: ')[2]}", "values:", *lines]


def _read_by(table: Table, declared: list[str]) -> set[str]:
    if not declared:
        return set()
    return {table.parameter_column, table.value_column, table.unit_column} - {None} | {number.name for number in table.numbers}


def _named(table: Table, record: RecordType, header: str) -> str | None:
    """A column of the file that says in English or Chinese what the record calls `header`."""

    def folded(text: str) -> str:
        return re.sub(r"[\s_()（）\[\]*:：/-]+", "", text.split("(")[0].split("（")[0]).casefold()

    chinese = folded(column_zh(record, header))
    allowed = record.by_name.get(header, record.by_name.get(f"{header}_utc")).allowed
    for name in table.names:
        if folded(name) == chinese:
            return name
        if folded(name) == folded(header) and (not allowed or set(allowed) & set(table.words(name))):
            return name
    return None


def _source(table: Table, record: RecordType, canonical: str, source: str) -> str:
    pattern = _pattern(table, record, canonical, source)
    column = record.by_name[canonical]
    parts = [f"column: {_quoted(source)}"] + ([f"pattern: {_quoted(pattern)}"] if pattern else [])
    words = table.words(source)
    note = ""
    if column.allowed and (odd := [word for word in words if word not in column.allowed]):
        note = f"  # decide: map {_some(odd)} to {', '.join(column.allowed)}"
    return f"{{{', '.join(parts)}}}{note}"


def _pattern(table: Table, record: RecordType, canonical: str, source: str) -> str | None:
    """How dates of a column are written, where it is not as every reader knows."""
    column = record.by_name.get(canonical)
    if column is None or column.dtype not in (DATE, INSTANT) or table.texts(source).is_empty():
        return None
    iso = r"^\d{4}[-/]\d\d[-/]\d\d([ T]\d\d:\d\d(:\d\d)?)?$"
    if table.texts(source).str.contains(iso).all():
        return None
    one = Table(table.rows.select(SOURCE_ROW, pl.col(source)), table.format, table.references, table.zone)
    return one.time.pattern if one.time else None


# -- YAML ------------------------------------------------------------------------------------------------------------------


def _quoted(value: object) -> str:
    """A value as YAML in flow style."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=float("inf")).strip()
    text = text.removesuffix("\n...").strip()
    # Inside braces a plain word may not hold these.
    return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=float("inf")).strip() if isinstance(value, str) and (
        re.search(r"[,\[\]{}#:%@&*!|>'\"]", value) and text == value
    ) else text  # fmt: skip


def _mapping(words: dict[str, str]) -> str:
    return "{" + ", ".join(f"{_quoted(word)}: {letter}" for word, letter in words.items()) + "}"


def _some(words: list[str]) -> str:
    shown = ", ".join(repr(word) for word in words[:_MANY])
    return shown + (f" and {len(words) - _MANY} more" if len(words) > _MANY else "")
