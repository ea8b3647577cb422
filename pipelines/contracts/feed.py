"""The feed contract: one YAML file per feed, one model that reads it.

A contract says where files are, how to read them, what their columns mean and what to expect of them.
What it names (points, parameters, units) is checked against registers and standards in
`ingest.contract_check`; here is only what can be said about one file alone. Knows no reader.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from pipelines.contracts.devices import DeviceRow, read_devices
from pipelines.contracts.records import RECORD_TYPES, LoadMode, RecordType
from pipelines.contracts.states import Flag, SourceKind, Statistic

FEED_ID = r"^[a-z][a-z0-9_]{1,62}$"
_DURATION = re.compile(r"^(\d+)\s*(min|h|d)$")
_DURATION_UNIT = {"min": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a contract: where, what stands there, and what would be right."""

    file: str
    key: str
    value: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}{' = ' if self.value else ''}{self.value}: {self.message}"


class ContractError(ValueError):
    """All problems of all contracts that were read together."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        if not (match := _DURATION.match(value)):
            raise ValueError("write a duration as a whole number and min, h or d, as in 15min, 1h, 1d")
        return timedelta(**{_DURATION_UNIT[match[2]]: int(match[1])})
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Text = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value)
]


class Strict(BaseModel):
    """Unknown keys are refused: a misspelt key must never be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hj212(Strict):
    """Receiver logs of HJ 212 devices: `drop` is a glob as elsewhere, `devices` the device profile, a CSV beside the contract.

    `commands` are those whose values are taken; what other commands bring stays in the logs.
    """

    drop: str
    devices: str = Field(pattern=r"^[^/\\]+\.csv$", description="file name; columns in contracts.devices")
    commands: tuple[Literal["2011", "2031", "2041", "2051", "2061"], ...] = ("2011", "2031", "2041", "2051", "2061")
    device_rows: tuple[DeviceRow, ...] = Field((), description="the profile's rows; read from `devices`, never written into a contract")


class Source(Strict):
    """Where the bytes are: `drop` is a glob below the home's `raw/`. With `hj212` they are receiver logs, and its `drop` is that glob."""

    drop: str
    hj212: Hj212 | None = None

    @model_validator(mode="before")
    @classmethod
    def _logs_are_dropped_too(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(logs := given.get("hj212"), dict) and "drop" in logs and "drop" not in given:
            return given | {"drop": logs["drop"]}
        return given

    @model_validator(mode="after")
    def _one_place(self) -> "Source":
        if self.hj212 is not None and self.hj212.drop != self.drop:
            raise ValueError("give drop inside hj212, and not beside it")
        return self

    @model_validator(mode="after")
    def _stays_inside(self) -> "Source":
        path = PurePosixPath(self.drop)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("a drop pattern is relative to raw/ and may not climb out of it with ..")
        return self


class FormatKind(StrEnum):
    CSV = "csv"
    EXCEL = "excel"
    JSON = "json"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"
    HJ212 = "hj212"  # of a source hj212, and of no other


class Format(Strict):
    """How bytes become a table of texts. gzip of any kind is recognised by its content."""

    kind: FormatKind
    encoding: str = "utf-8"
    separator: str = ","
    quote: str | None = '"'
    decimal: Literal[".", ","] = "."
    header_rows: int = Field(1, ge=0, le=10, description="0 for headerless files; several are joined with ' / '")
    skip_rows: int = Field(0, ge=0, description="rows above the header")
    columns: list[str] | None = Field(None, description="names for a headerless file, in order")
    null_values: list[Text] = ["", "--", "-", "NULL", "null", "NA", "N/A"]
    sheet: str | int | None = Field(None, description="Excel: name or number from 0; the first by default")
    record_path: str | None = Field(None, description="JSON: dotted path to the list of records")

    @model_validator(mode="after")
    def _headerless_needs_names(self) -> "Format":
        if (self.header_rows == 0) != (self.columns is not None):
            raise ValueError("columns names the columns of a headerless file: give it with header_rows: 0, and only then")
        return self


class ColumnSource(Strict):
    """Where one canonical column comes from: a source column, a constant, or a template over columns.

    `scheme` resolves a foreign number through the identifier register (as grid_account). A template
    writes columns in braces, as `{PLANT}-{UNIT}`, for identifiers that the file spreads over several.
    """

    column: str | None = None
    value: Text | None = None
    template: str | None = None
    map: dict[Text, Text] | None = None
    scheme: str | None = None
    pattern: str | None = Field(None, description="strptime pattern of a date or time column")
    zone: str | None = Field(None, description="zone of a time column; the park's by default")

    @model_validator(mode="after")
    def _one_origin(self) -> "ColumnSource":
        if sum(origin is not None for origin in (self.column, self.value, self.template)) != 1:
            raise ValueError("give one of column (a column of the file), value (a constant) or template ({A}-{B})")
        if self.template is not None and not self.source_columns:
            raise ValueError(f"template {self.template!r} names no column in braces; a constant is written as value")
        return self

    @property
    def source_columns(self) -> list[str]:
        """Columns of the file it reads."""
        if self.template is not None:
            return re.findall(r"\{([^{}]+)\}", self.template)
        return [self.column] if self.column is not None else []


def _field(value: Any) -> Any:
    return {"value": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


FieldSource = Annotated[ColumnSource, BeforeValidator(_field)]


class ValueSource(Strict):
    """One value: a column of a wide file, or the value column of a long one.

    In a wide file `values` is a list and `column` names the value's column; in a long one it is a
    single mapping whose parts name columns. `fields` fills any other canonical column.
    """

    column: str | None = None
    value: FieldSource | None = None
    unit: FieldSource | None = None
    point: FieldSource | None = None
    parameter: FieldSource | None = None
    statistic: FieldSource | None = None
    item: FieldSource | None = None
    medium: FieldSource | None = None
    line: FieldSource | None = None
    flag: FieldSource | None = None
    fields: dict[str, FieldSource] = {}

    @model_validator(mode="after")
    def _one_value(self) -> "ValueSource":
        if (self.column is None) == (self.value is None):
            raise ValueError("give column in a wide layout, or value: {column: …} in a long one")
        return self

    def canonical(self) -> dict[str, ColumnSource]:
        """Canonical column name → its source, for every part that is given, value and unit included."""
        named = {
            "value": self.value or ColumnSource(column=self.column),
            "unit_raw": self.unit,
            "point_id": self.point,
            "parameter_code": self.parameter,
            "statistic": self.statistic,
            "item_code": self.item,
            "medium": self.medium,
            "line_id": self.line,
            "flag": self.flag,
        }
        return {name: source for name, source in named.items() if source is not None} | dict(self.fields)


_WIDE, _LONG = "values of a wide file", "values of a long file"
Values = Annotated[
    Annotated[list[ValueSource], Tag(_WIDE)] | Annotated[ValueSource, Tag(_LONG)],
    # Without it pydantic reports what is wrong with the value under both readings, one of them nonsense.
    Discriminator(lambda value: _WIDE if isinstance(value, list) else _LONG),
]


class Label(StrEnum):
    """What a time stamp labels: the start or the end of its period, or a moment."""

    START = "start"
    END = "end"
    INSTANT = "instant"


class Time(Strict):
    """How time stamps read and which period they label.

    `midnight: end_of_day` reads 00:00 as the 24:00 of the date it is printed with (interval-end meters
    write it so); 24:00 itself is always understood. `first_date` dates a file whose rows carry only a
    time of day, one row after the other. `repeats` says which of an autumn's two equal hours is meant.
    """

    column: str | None = None
    columns: list[str] | None = Field(None, description="several columns, joined with a blank")
    pattern: str
    zone: str | None = Field(None, description="IANA zone of the stamps; the park's by default")
    step: Duration
    label: Label = Label.START
    midnight: Literal["start_of_day", "end_of_day"] = "start_of_day"
    first_date: date | None = None
    repeats: Literal["infer", "earliest", "latest", "quarantine"] = "infer"

    @model_validator(mode="after")
    def _one_origin(self) -> "Time":
        if (self.column is None) == (self.columns is None):
            raise ValueError("give column or columns, and not both")
        return self

    @property
    def source_columns(self) -> list[str]:
        return [self.column] if self.column else list(self.columns or [])


class Period(Strict):
    """Reporting period of a self-report: one column and the calendar unit it names."""

    column: str | None = None
    value: Text | None = None
    pattern: str
    length: Literal["day", "month", "quarter", "year"]


class Flags(Strict):
    """Data flag column and what its words mean in HJ 212 letters."""

    column: str
    map: dict[Text, Flag]
    default: Flag | None = Field(None, description="for words the map lacks; without it they are quarantined")


class Empty(Strict):
    """What an empty cell means. By default nothing was measured and no row arises.

    `missing` makes it a row of state missing; where `stopped_if.column` holds one of `values` (numbers
    compare as numbers), the row's state is `stopped`: 0 kg by rule, no concentration.
    """

    means: Literal["nothing", "missing"] = "nothing"
    stopped_if: "StoppedIf | None" = None


class StoppedIf(Strict):
    column: str
    values: list[Text]


class Expects(Strict):
    """What a normal delivery looks like; gate A compares, it never drops rows."""

    rows_per_day: float | None = Field(None, gt=0, description="time steps per channel and day")
    at_least: float | None = Field(None, ge=0, description="fewer steps per channel and day is a warning")
    late_after: Duration | None = Field(None, description="age of the newest period at which the feed is stale")
    max_quarantined_share: float = Field(0.05, ge=0, le=1, description="more holds the delivery back")


class Validity(Strict):
    """Local dates the contract speaks for: from, inclusive, to, exclusive."""

    from_: date | None = Field(None, alias="from")
    to: date | None = None

    def overlaps(self, other: "Validity") -> bool:
        low = max(self.from_ or date.min, other.from_ or date.min)
        high = min(self.to or date.max, other.to or date.max)
        return low < high


class FeedContract(Strict):
    """One feed: what it delivers, who answers for it, and how its files become canonical records."""

    feed_id: str = Field(pattern=FEED_ID)
    record: str
    owner: str
    description: str | None = None
    source: Source
    format: Format
    time: Time | None = None
    period: Period | None = None
    source_kind: SourceKind | None = None
    values: Values | None = None
    columns: dict[str, FieldSource] = Field({}, description="canonical column → where it comes from; same-named columns need no entry")
    flags: Flags | None = None
    empty: Empty = Empty()
    expects: Expects = Expects()
    valid: Validity = Validity()
    load_mode: LoadMode | None = None
    ignore: list[str] | Literal["rest"] = Field([], description="columns known and not used; 'rest' for all others")

    @model_validator(mode="before")
    @classmethod
    def _logs_have_one_format(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(source := given.get("source"), dict) and source.get("hj212") and "format" not in given:
            return given | {"format": {"kind": FormatKind.HJ212}}
        return given

    @model_validator(mode="after")
    def _fits_its_record(self) -> "FeedContract":
        if self.record not in RECORD_TYPES:
            raise ValueError(f"record is one of {', '.join(sorted(RECORD_TYPES))}, not {self.record!r}")
        if (self.format.kind is FormatKind.HJ212) != (self.source.hj212 is not None):
            raise ValueError("format.kind hj212 and source hj212 belong together; leave format out, its kind follows from the source")
        if self.source.hj212 is not None:
            return self._of_devices()
        is_reading = self.record == "reading"
        if is_reading and (self.time is None or not self.value_sources or self.source_kind is None):
            raise ValueError("a feed of readings needs time, values and source_kind: rows that cannot be placed in time are no time series")
        if not is_reading and (self.time or self.source_kind or self.flags):
            raise ValueError("time, source_kind and flags belong to readings only")
        if self.period and self.record != "self_report":
            raise ValueError("period belongs to self reports only")
        if self.record_type.append_only and self.mode is not LoadMode.UPSERT:
            raise ValueError(f"record {self.record} is never taken back by a file that does not repeat it: load_mode is upsert")
        if self.mode is LoadMode.REPLACES_PERIOD and not self.record_type.key_times:
            raise ValueError(f"record {self.record} has no period in its key that a file could replace: load_mode is upsert or snapshot")
        declared = set(self.record_type.by_name) | {"unit_raw"}
        named = set(self.columns) | {name for source in self.value_sources for name in source.canonical()}
        if unknown := sorted(named - declared):
            raise ValueError(f"record {self.record} has no column {', '.join(unknown)}")
        if is_reading:
            for number, source in enumerate(self.value_sources):
                given = source.canonical().keys() | self.columns.keys()
                if lacking := {"point_id", "parameter_code", "statistic", "unit_raw"} - given:
                    raise ValueError(f"values[{number}] lacks {', '.join(sorted(lacking))}")
                if (fixed := source.statistic) and fixed.value is not None and fixed.value not in set(Statistic):
                    raise ValueError(f"values[{number}].statistic {fixed.value!r} is none of {', '.join(Statistic)}")
        return self

    def _of_devices(self) -> "FeedContract":
        """Frames say what, when and of whom; the contract has nothing to add."""
        if self.record != "reading" or self.source_kind is None:
            raise ValueError("a source hj212 delivers record reading, and needs source_kind")
        said = [name for name in ("time", "period", "values", "flags") if getattr(self, name) is not None]
        said += [name for name in ("columns", "ignore") if getattr(self, name)]
        if said or self.empty != Empty():
            raise ValueError(f"{', '.join(said or ['empty'])}: frames and the device profile say that; leave it out")
        return self

    @property
    def record_type(self) -> RecordType:
        return RECORD_TYPES[self.record]

    @property
    def value_sources(self) -> list[ValueSource]:
        if self.values is None:
            return []
        return self.values if isinstance(self.values, list) else [self.values]

    @property
    def mode(self) -> LoadMode:
        return self.load_mode or self.record_type.default_load_mode

    @property
    def fingerprint(self) -> str:
        """Hash of everything that can change what a file parses to: re-parsing follows from it alone.

        Owner, description, source and expectations change no record and are left out; so are devices, which are compared one
        by one like the rows of a register.
        """
        content = self.model_dump(mode="json", by_alias=True, exclude={"owner", "description", "source", "expects"})
        if self.source.hj212 is not None:
            content["commands"] = sorted(self.source.hj212.commands)
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


PARK_FILE = "_park.yaml"
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Written in C where libyaml is there: eight times faster, and a nightly reads every contract twice."""


class ParkFile(Strict):
    """`_park.yaml` beside the feeds: what must be known before any register has been read."""

    park_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    zone: str


def _problems(file: str, error: ValidationError, content: Any) -> list[Problem]:
    found = []
    for item in error.errors():
        location = [part for part in item["loc"] if part not in (_WIDE, _LONG)]
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".") or "(the file)"
        value = content
        for part in location:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                value = "(absent)" if item["type"] == "missing" else value
                break
        if item["type"] == "extra_forbidden":
            message = "no such key; is it misspelt?"
        elif item["type"] == "string_type" and isinstance(item["input"], bool):
            message = "YAML reads yes, no, on and off as true and false: put the word in quotes"
        else:
            message = item["msg"].removeprefix("Value error, ")
        shown = repr(value) if not isinstance(value, dict | list) else "(see message)"
        found.append(Problem(file, key, shown[:120], message))
    return found


def _load(path: Path, model: type[BaseModel], problems: list[Problem]) -> BaseModel | None:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_YAML_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "(the file)"
        # The parser may give up on the line after the last one.
        line = next(iter(path.read_text(encoding="utf-8").splitlines()[mark.line :]), "") if mark else ""
        problems.append(Problem(path.name, where, line.strip()[:120], f"is not readable YAML: {getattr(error, 'problem', None) or error}"))
        return None
    if not isinstance(content, dict):
        problems.append(Problem(path.name, "(the file)", type(content).__name__, "a contract is a mapping of keys to values"))
        return None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems.extend(_problems(path.name, error, content))
        return None


def load_park_file(folder: Path) -> ParkFile:
    """The park's identity and zone. Raises ContractError when the file is absent or wrong."""
    path, problems = folder / PARK_FILE, []
    if not path.is_file():
        raise ContractError([Problem(PARK_FILE, "(the file)", "(absent)", f"{folder} needs it, with park_id and zone")])
    if (park := _load(path, ParkFile, problems)) is None:
        raise ContractError(problems)
    return park


def _with_devices(contract: FeedContract, folder: Path, problems: list[Problem]) -> FeedContract | None:
    """The contract with the rows of its device profile; None when the profile has problems, which then are the contract's."""
    logs = contract.source.hj212
    assert logs is not None
    file = f"{contract.feed_id}.yaml"
    if logs.device_rows:
        problems.append(Problem(file, "source.hj212.device_rows", "(see message)", f"no such key; devices stand in {logs.devices}"))
        return None
    rows, wrong = read_devices(folder / logs.devices)
    for problem in wrong:
        key = f"source.hj212.devices: {logs.devices} row {problem.row}: {problem.column}"
        problems.append(Problem(file, key, repr(problem.value[:120]), problem.message))
    if wrong:
        return None
    source = contract.source.model_copy(update={"hj212": logs.model_copy(update={"device_rows": rows})})
    return contract.model_copy(update={"source": source})


def load_contracts(folder: Path) -> tuple[list[FeedContract], list[Problem]]:
    """Every contract of a folder, and every problem of those that could not be read.

    A broken file costs its own feed: the others are returned. The caller decides whether problems stop it.
    """
    contracts: dict[str, FeedContract] = {}
    problems: list[Problem] = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if path.name == PARK_FILE:
            continue
        contract = _load(path, FeedContract, problems)
        if contract is None:
            continue
        if contract.source.hj212 is not None and (contract := _with_devices(contract, folder, problems)) is None:
            continue
        if contract.feed_id != path.stem:
            problems.append(Problem(path.name, "feed_id", repr(contract.feed_id), f"must equal the file's name, {path.stem!r}"))
        elif contract.feed_id in contracts:
            problems.append(Problem(path.name, "feed_id", repr(contract.feed_id), "stands in two files"))
        else:
            contracts[contract.feed_id] = contract
    return list(contracts.values()), problems
