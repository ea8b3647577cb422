"""What the columns of a table look like: times and their step, numbers, units in headers, parameters by name, flags, identifiers.

Looks at texts only. What a look is worth (a proposal, or a question to a person) is decided in `contract`.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import combinations
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import Format, Label, Time
from pipelines.contracts.states import Flag, Statistic
from pipelines.contracts.units import UnitError
from pipelines.ingest.numbers import read_numbers
from pipelines.ingest.readers.table import SOURCE_ROW
from pipelines.ingest.references import Parameter, References, Unresolved
from pipelines.ingest.times import pattern_regex, time_axis

ROWS = 5000
"""Rows that are looked at, spread over the file."""
_MOSTLY = 0.95
_STAMPS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H:%M", "%Y%m%d%H",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m-%d-%Y %H:%M", "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H时", "%Y年%m月%d日 %H时",
)  # fmt: skip
_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y", "%m/%d/%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y",
)  # fmt: skip
_TIMES_OF_DAY = ("%H:%M:%S", "%H:%M", "%H.%M.%S", "%H.%M", "%H")
_MONTHS = ("%Y-%m", "%Y/%m", "%Y%m", "%Y年%m月", "%Y")
_OTHER_WAY = {"%d/%m": "%m/%d", "%d-%m": "%m-%d", "%m/%d": "%d/%m", "%m-%d": "%d-%m"}
_UNIT_IN_HEADER = re.compile(r"[(（\[]\s*([^()（）\[\]]+?)\s*[)）\]]\s*$")
_STATISTICS = (
    (Statistic.ZS_AVG, re.compile(r"折算|zs", re.IGNORECASE)),
    (Statistic.MAX, re.compile(r"最大|max", re.IGNORECASE)),
    (Statistic.MIN, re.compile(r"最小|min(?!ute)", re.IGNORECASE)),
)
_SAYS_REGISTER = re.compile(r"读数|示数|止码|表码|表底|正向有功|register|meter.?reading", re.IGNORECASE)
_SAYS_FLAG = re.compile(r"标记|标识|标志|标示|flag|状态|status|quality", re.IGNORECASE)
_SAYS_UNIT = re.compile(r"单位|^units?$|unit of", re.IGNORECASE)
_SAYS_VALUE = re.compile(r"数值|监测值|值$|value|result|读数|示数|止码|用量|amount", re.IGNORECASE)
_NOISE = re.compile(
    r"折算|实测|浓度|平均值?|均值|最大值?|最小值?|累计值?|总量|排放量|小时|日均|实时|数值|读数|示数|"
    r"\b(avg|mean|max|min|total|value|conc|hourly|daily|usage|mass)\b",
    re.IGNORECASE,
)
_FLAG_WORDS = {
    "正常": "N", "normal": "N", "有效": "N", "ok": "N", "good": "N", "停运": "F", "停产": "F", "停机": "F", "stop": "F", "stopped": "F", "off": "F",
    "维护": "M", "检修": "M", "maintenance": "M", "手工": "S", "manual": "S", "故障": "D", "fault": "D", "校准": "C", "校验": "C", "calibration": "C",
    "超限": "T", "超量程": "T", "over": "T", "通讯异常": "B", "通信异常": "B",
}  # fmt: skip
_SAYS_POINT = re.compile(
    r"户号|编号|编码|站点|点位|排口|表号|设备|测点|计量点|station|point|meter|site|facility|plant|\bmn\b|unit|tag|account|code|\bid\b|_id$|sid$",
    re.IGNORECASE,
)
_SENTINELS = (-9999.0, -999.0, -200.0, -99.0, 9999.0, 99999.0, 999999.0)


@dataclass(frozen=True)
class TimeColumns:
    """Where the stamps are and how they read; `dated` is false where rows carry only a time of day."""

    columns: tuple[str, ...]
    pattern: str
    step: timedelta | None
    label: Label | None
    other_pattern: str | None = None
    """Another pattern that every stamp would read by too."""
    dated: bool = True
    is_even: bool = True
    """Whether most stamps lie one step apart."""


@dataclass
class NumberColumn:
    """A column of numbers, and what its header says about them."""

    name: str
    unit: str | None
    statistic: Statistic
    parameter: Parameter | None
    near: list[str]
    marks: list[str]
    """Words among the numbers that are none, as often as they come."""
    sentinels: list[str] = field(default_factory=list)


class Table:
    """A file's rows, looked at column by column."""

    def __init__(self, rows: pl.DataFrame, file_format: Format, references: References, zone: ZoneInfo) -> None:
        every = max(rows.height // ROWS, 1)
        self.whole = rows
        self.rows = rows.gather_every(every) if every > 1 else rows
        self.format, self.references, self.zone = file_format, references, zone
        self.names = [name for name in rows.columns if name != SOURCE_ROW]

    def texts(self, name: str) -> pl.Series:
        """A column's filled cells."""
        stripped = self.rows[name].str.strip_chars()
        return stripped.filter(stripped.is_not_null() & (stripped != ""))

    # -- times -------------------------------------------------------------------------------------------------------------

    def reads(self, columns: tuple[str, ...], pattern: str, *, dated: bool = True) -> float:
        """Share of stamps that a pattern reads."""
        time = Time(
            **({"column": columns[0]} if len(columns) == 1 else {"columns": list(columns)}),
            pattern=pattern, step=timedelta(hours=1), label=Label.INSTANT, **({} if dated else {"first_date": "2000-01-01"}),
        )  # fmt: skip
        rows = self.rows.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in columns))
        if rows.is_empty():
            return 0.0
        # The parser reads 10/03/2004 as an hour of the year 10; a person would not.
        texts = rows.select(pl.concat_str([pl.col(name).str.strip_chars() for name in columns], separator=" ")).to_series()
        shaped = rows.filter(texts.str.contains(re.sub(r"\(\?<\w>", "(?:", pattern_regex(pattern))) & ~texts.str.contains(r"\b0000"))
        if shaped.height < _MOSTLY * rows.height:
            return shaped.height / rows.height * 0.5
        axis = time_axis(shaped, time, self.zone, lambda: None)
        return axis.start.is_not_null().sum() / rows.height

    def _first_that_reads(self, columns: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, str | None] | None:
        """The pattern that reads most, and another that reads as well and means something else."""
        shape = self.texts(columns[0]).head(1).to_list()
        if not shape:
            return None
        prefix = re.match(r"^\D{0,3}", shape[0])[0] if len(columns) == 1 else ""
        if prefix and not self.texts(columns[0]).str.starts_with(prefix).all():
            prefix = ""
        found = [(pattern, self.reads(columns, prefix + pattern)) for pattern in patterns]
        best = max((share for _, share in found), default=0.0)
        if best < _MOSTLY:
            return None
        good = [pattern for pattern, share in found if share == best]
        other = next((p for p in good[1:] for a, b in _OTHER_WAY.items() if a in good[0] and p == good[0].replace(a, b)), None)
        return prefix + good[0], prefix + other if other else None

    @cached_property
    def time(self) -> TimeColumns | None:
        """The column, or date and time-of-day columns, that places rows in time; None where nothing does."""
        plain = {name: self.texts(name) for name in self.names}
        likely = [
            name for name, texts in plain.items() if texts.len() and texts.head(50).str.contains(r"\d").all() and texts.n_unique() > 1
        ]
        for name in likely:
            is_stamp = not self._is_number_like(name) or plain[name].str.contains(r"^(19|20)\d{6}(\d{2,6})?$").mean() > _MOSTLY
            if is_stamp and (found := self._first_that_reads((name,), _STAMPS)) is not None:
                return self._placed((name,), *found)
        days = [
            (name, found) for name in self.names if plain[name].len() and (found := self._first_that_reads((name,), _DATES)) is not None
        ]
        clocks = [
            (name, found[0])
            for name in self.names
            if plain[name].len() and self._is_clock(name) and (found := self._clock(name)) is not None
        ]
        for day, (pattern, other) in days:
            for clock, of_day in clocks:
                if clock != day:
                    both = f"{other} {of_day}" if other else None
                    return self._placed((day, clock), f"{pattern} {of_day}", both)
            if plain[day].n_unique() > 1:
                return self._placed((day,), pattern, other)
        for clock, of_day in clocks:
            if of_day != "%H":
                return TimeColumns((clock,), of_day, self._step_of_day(clock, of_day), None, dated=False)
        return None

    def _clock(self, name: str) -> tuple[str, None] | None:
        found = [pattern for pattern in _TIMES_OF_DAY if self.reads((name,), pattern, dated=False) >= _MOSTLY]
        return (found[0], None) if found else None

    def _is_clock(self, name: str) -> bool:
        """Times of day: with a colon or dots, or the hours 0 to 24 of a column that says it holds hours."""
        texts = self.texts(name)
        if texts.str.contains(r"^\d{1,2}[:.]\d\d([:.]\d\d)?$").mean() > _MOSTLY and not (
            texts.str.contains(r"^\d{1,2}\.\d\d$").all() and texts.n_unique() > 1440
        ):
            return bool(texts.str.contains(r"[:]|\..*\.").all() or re.search(r"时间|time", name, re.IGNORECASE))
        return bool(re.search(r"时$|小时|hour", name, re.IGNORECASE)) and texts.str.contains(r"^([01]?\d|2[0-4])$").mean() > _MOSTLY

    def _is_number_like(self, name: str) -> bool:
        texts = self.texts(name)
        return texts.len() > 0 and texts.str.contains(r"^[+-]?\d+([.,]\d+)?$").mean() > _MOSTLY

    def _placed(self, columns: tuple[str, ...], pattern: str, other: str | None) -> TimeColumns:
        time = Time(
            **({"column": columns[0]} if len(columns) == 1 else {"columns": list(columns)}), pattern=pattern, step=timedelta(hours=1), label=Label.INSTANT
        )  # fmt: skip
        axis = time_axis(self.whole.head(50_000), time, self.zone, lambda: None)
        starts = axis.start.drop_nulls().unique().sort()
        steps = starts.diff().drop_nulls()
        step = _commonest(steps)
        is_even = step is None or bool(
            ((steps - step).dt.total_days().abs() <= 3 if step > timedelta(days=27) else steps == step).mean() > 0.5
        )
        stamps = self.texts(columns[-1])
        ends = bool(stamps.str.contains(r"(^|[ T])24[:.]?00").any())
        return TimeColumns(columns, pattern, step, Label.END if ends else None, other, is_even=is_even)

    def _step_of_day(self, name: str, pattern: str) -> timedelta | None:
        time = Time(column=name, pattern=pattern, step=timedelta(hours=1), first_date="2000-01-01", label=Label.INSTANT)
        moments = time_axis(self.whole.head(50_000), time, self.zone, lambda: None).start.drop_nulls()
        return _commonest(moments.diff().drop_nulls())

    @cached_property
    def months(self) -> tuple[str, str, str] | None:
        """(column, pattern, length) of a reporting period: months or years."""
        for name in self.names:
            texts = self.texts(name)
            if texts.len() and texts.str.contains(r"^(19|20)\d\d[-/年]?(0?[1-9]|1[0-2])?月?$").mean() > _MOSTLY:
                year = texts.str.len_chars().max() == 4
                if year and not re.search(r"year|年|期", name, re.IGNORECASE):
                    continue
                for pattern in ("%Y",) if year else _MONTHS[:-1]:
                    expression = "^" + pattern.replace("%Y", r"\d{4}").replace("%m", r"\d{1,2}") + "$"
                    if texts.str.contains(expression).all():
                        return name, pattern, "year" if year else "month"
        if self.time is not None and len(self.time.columns) == 1 and not any(_SAYS_REGISTER.search(name) for name in self.names):
            texts = self.texts(self.time.columns[0])
            if texts.n_unique() > 1 and texts.str.contains(r"^(19|20)\d\d[-/.]?\d\d[-/.]?01( 00:00(:00)?)?$").all():
                return self.time.columns[0], self.time.pattern, "month"
        return None

    # -- numbers -----------------------------------------------------------------------------------------------------------

    @cached_property
    def numbers(self) -> list[NumberColumn]:
        """Columns that hold numbers and are no time, number of an account, or the like."""
        taken = set(self.time.columns if self.time else ()) | ({self.months[0]} if self.months else set())
        found = []
        for name in self.names:
            texts = self.texts(name)
            if name in taken or texts.is_empty():
                continue
            read = read_numbers(texts, self.format)
            good = texts.len() - read.refused_at.len()
            if good < 0.75 * texts.len() or self._is_identifier(name, texts):
                continue
            words = Counter(texts.gather(read.refused_at).to_list())
            # A few words that come again and again stand for something; many different ones are errors.
            marks = [word for word, _ in words.most_common()] if len(words) <= 3 else []
            found.append(self._number(name, marks, read.value.drop_nulls()))
        return found

    def _is_identifier(self, name: str, texts: pl.Series) -> bool:
        """Whole numbers that never change, with leading zeros, or whose header calls them a number of something."""
        whole = texts.str.contains(r"^\d+$").all()
        if whole and texts.len() > 1 and texts.n_unique() == 1 and texts[0] not in ("0", "1"):
            return True
        zeros = texts.str.contains(r"^0\d+$").any()
        says = bool(re.search(r"户号|编号|编码|代码|序号|\bid\b|_id$|code|^no\.?$|unitid|mn$|entity", name, re.IGNORECASE))
        return bool(whole and (zeros or says))

    def _number(self, name: str, marks: list[str], values: pl.Series) -> NumberColumn:
        unit = self.unit_of(name)
        parameter, near = self.parameter_of(name)
        sentinels = [f"{mark:g}" for mark in _SENTINELS if (values == mark).sum() >= 3 and _far(values, mark)]
        return NumberColumn(name, unit, self._statistic(name, unit, parameter), parameter, near, marks, sentinels)

    def unit_of(self, header: str) -> str | None:
        """A unit that stands in the header: in brackets, or behind the last underscore or comma."""
        last = header.split(" / ")[-1].strip()
        words = [
            last,
            *(match[1] for match in [_UNIT_IN_HEADER.search(last)] if match),
            re.split(r"[_,，\s]", last)[-1],
            last.rpartition("_")[2],
        ]
        for word in (unicodedata.normalize("NFKC", word).strip(" ()[]") for word in words[1:] if re.search(r"\D", word)):
            if word in self.references.units:
                return word
            for spelling in (word.replace("³", "3").replace("m^3", "m3"), word.replace("MW-h", "MWh")):
                if spelling in self.references.units:
                    return spelling
        return last if last in self.references.units and " / " in header else None

    def parameter_of(self, header: str) -> tuple[Parameter | None, list[str]]:
        """The parameter that a header names, or words that are near."""
        parts = header.split(" / ")
        if len(parts) > 1 and parts[-1] in self.references.units:
            parts = parts[:-1]
        bare = _UNIT_IN_HEADER.sub("", " ".join(parts)).strip()
        pieces = [bare, _NOISE.sub("", bare).strip(" _-"), *re.split(r"[\s_\-/.:]+", bare), *(parts if len(parts) > 1 else [])]
        for piece in dict.fromkeys(piece for piece in pieces if len(piece) > 1 or piece in ("T",)):
            found = self.references.parameter(piece, hint=False)
            if not isinstance(found, Unresolved):
                return found, []
            if several := re.search(r"may mean (.+?):", found):
                return None, [several[1]]
        near = [word for piece in dict.fromkeys(pieces[:2]) if piece for word in self.references.near_parameters(piece, cutoff=0.75)]
        return None, list(dict.fromkeys(near))[:3]

    def _statistic(self, name: str, unit: str | None, parameter: Parameter | None) -> Statistic:
        for statistic, said in _STATISTICS:
            if said.search(name):
                return statistic
        if _SAYS_REGISTER.search(name):
            return Statistic.REGISTER
        kind = self._kind(unit)
        total = self._kind(parameter.total_unit) if parameter else None
        mean = self._kind(parameter.unit) if parameter else None
        is_total = kind is not None and kind == total and kind != mean
        if parameter is None and kind in ("energy", "mass", "volume", "reactive_energy"):
            is_total = True
        return Statistic.COU if is_total else Statistic.AVG

    def _kind(self, unit: str | None) -> str | None:
        try:
            return self.references.units.kind(unit) if unit else None
        except UnitError:
            return None

    # -- words -------------------------------------------------------------------------------------------------------------

    def words(self, name: str) -> list[str]:
        """Distinct words of a column, the commonest first."""
        return [word for word, _ in Counter(self.texts(name).to_list()).most_common()]

    @cached_property
    def parameter_column(self) -> str | None:
        """A column whose words name parameters: the mark of a long layout."""
        best: tuple[int, str] | None = None
        for name in self.names:
            words = self.words(name)
            if not 1 <= len(words) <= 2000 or self._is_number_like(name):
                continue
            known = sum(not isinstance(self.references.parameter(word, hint=False), Unresolved) for word in words)
            # NO of a yes and no is no nitric oxide.
            is_yes_no = {word.casefold() for word in words} <= {"yes", "no", "y", "n"}
            if known >= 0.5 * len(words) and not is_yes_no and (best is None or known > best[0]):
                best = (known, name)
        return best[1] if best else None

    @cached_property
    def unit_column(self) -> str | None:
        for name in self.names:
            words = self.words(name)
            if words and len(words) <= 60 and sum(word in self.references.units for word in words) >= 0.8 * len(words):
                return name
            if words and _SAYS_UNIT.search(name) and len(words) <= 60 and not self._is_number_like(name):
                return name
        return None

    @cached_property
    def value_column(self) -> str | None:
        """The column of values of a long layout: the one that says so, or the only one."""
        names = [number.name for number in self.numbers]
        return next((name for name in names if _SAYS_VALUE.search(name)), names[0] if len(names) == 1 else None)

    @cached_property
    def flag_column(self) -> tuple[str, dict[str, str], list[str]] | None:
        """(column, map to HJ 212 letters, words nobody could place)."""
        letters = {flag.value for flag in Flag}
        for name in self.names:
            words = self.words(name)
            if not words or len(words) > 15 or name in (self.time.columns if self.time else ()):
                continue
            placed = {
                word: word if word in letters else _FLAG_WORDS[word.lower()]
                for word in words
                if word in letters or word.lower() in _FLAG_WORDS
            }
            if placed and (_SAYS_FLAG.search(name) or len(placed) == len(words)):
                return name, placed, [word for word in words if word not in placed]
        return None

    @cached_property
    def point_columns(self) -> tuple[str, ...]:
        """The columns that tell several series apart: words that are registered, else identifiers that repeat at every time."""
        taken = {
            self.parameter_column,
            self.unit_column,
            *(number.name for number in self.numbers),
            *(self.time.columns if self.time else ()),
        }
        taken.add(self.flag_column[0] if self.flag_column else None)
        known = set(self.references.register("point")["point_id"]) | set(self.references.register("identifier")["value"])
        candidates = [name for name in self.names if name not in taken and 1 < len(self.words(name)) <= max(self.rows.height // 2, 2)]
        for name in candidates:
            words = self.words(name)
            if known and sum(word in known for word in words) >= 0.5 * len(words):
                return (name,)
        said = [name for name in candidates if _SAYS_POINT.search(name)]
        # One column that places every row apart, or two together.
        for names in [*((one,) for one in said), *combinations(said, 2)]:
            if self._tells_apart(names):
                return names
        return tuple(said[:1])

    def _tells_apart(self, names: tuple[str, ...]) -> bool:
        """Whether no two rows of one time (and parameter) have the same words here."""
        beside = [*(self.time.columns if self.time else ()), *([self.parameter_column] if self.parameter_column else [])]
        rows = self.whole.head(50_000).select(*names, *beside)
        return rows.n_unique() >= 0.99 * rows.height

    def scheme_of(self, name: str) -> str | None:
        """The identifier scheme that most of a column's words stand in; None where they are points themselves, or nobody knows them."""
        words = set(self.words(name))
        rows = self.references.register("identifier").filter(pl.col("value").is_in(list(words)))
        counts = Counter(rows["scheme"].to_list())
        return counts.most_common(1)[0][0] if counts and not words & set(self.references.register("point")["point_id"]) else None


def _commonest(steps: pl.Series) -> timedelta | None:
    steps = steps.filter(steps > timedelta(0)) if steps.len() else steps
    return steps.mode().sort()[0] if steps.len() else None


def _far(values: pl.Series, mark: float) -> bool:
    """Whether a value lies far from all others."""
    others = values.filter(~values.is_in([*_SENTINELS]))
    if others.is_empty():
        return False
    low, high = float(others.min()), float(others.max())
    return not low - (high - low) <= mark <= high + (high - low)
