"""Time stamps to periods: patterns, 24:00, midnight, files without dates, zones with gaps and repeats, labels.

Everything runs on whole columns. UTC is kept naive here as everywhere; a zone whose offset does not
change over the file (China's, since 1992) costs one subtraction.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import Label, Time
from pipelines.ingest.refusals import Refusals

INSTANT = pl.Datetime("us")
DAY = timedelta(days=1)

_COMPOSITE = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%-d": "%d", "%-m": "%m", "%-H": "%H", "%-M": "%M"}
_DIRECTIVE = {
    "Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{1,2}", "d": r"\d{1,2}", "e": r"\s?\d{1,2}", "H": r"\d{1,2}", "I": r"\d{1,2}",
    "M": r"\d{1,2}", "S": r"\d{1,2}", "f": r"\d+", "j": r"\d{1,3}", "q": r"[1-4]", "b": r"\w+", "B": r"\w+", "p": r"\w+",
    "a": r"\w+", "A": r"\w+", "z": r"[+\-]\d\d:?\d\d", "Z": r"\w+", "%": "%",
}  # fmt: skip
_SAMPLE = datetime(2026, 1, 31, 23, 15, tzinfo=timezone(timedelta(hours=8)))


@dataclass
class Axis:
    """A period per row, in UTC, and the park's date of its start; null where `refusals` has the row."""

    start: pl.Series
    end: pl.Series
    local_date: pl.Series
    refusals: Refusals
    warnings: list[str]


def pattern_problem(pattern: str, *, dated: bool) -> str | None:
    """What is wrong with a strptime pattern, or None. `dated` patterns must name a whole date."""
    plain = _plain(pattern)
    directives = [letter for letter in re.findall(r"%\.?(.)", plain) if letter != "%"]
    if unknown := [letter for letter in directives if letter not in _DIRECTIVE]:
        return f"knows no %{unknown[0]}; use %Y %m %d %H %M %S"
    if not directives:
        return "holds no directive; use %Y %m %d %H %M %S"
    has_month_and_day = "%d" in plain and any(month in plain for month in ("%m", "%b", "%B"))
    whole_date = any(year in plain for year in ("%Y", "%y")) and (has_month_and_day or "%j" in plain)
    if dated and not whole_date:
        return "names no whole date: it needs %Y (or %y), %m and %d; rows that carry only a time of day need first_date"
    if not dated and not ("%H" in plain or "%I" in plain):
        return "with first_date the pattern is a time of day: it needs %H"
    return None


def time_axis(rows: pl.DataFrame, time: Time, park_zone: ZoneInfo, series_of: Callable[[], pl.Series | None]) -> Axis:
    """The period of every row.

    `series_of` names the series a row belongs to (null or None: all rows are one), asked for only when
    an hour repeats and its order in the series decides.
    """
    zone = ZoneInfo(time.zone) if time.zone else park_zone
    refusals, warnings = Refusals(), []
    texts = _stamps(rows, time)
    column = " ".join(time.source_columns)
    _refuse(refusals, texts.is_null(), texts, column, "time_missing", f"{column} is empty; right would be {example(time.pattern)}")
    if "%z" in time.pattern:
        utc = _parse(texts, time.pattern).dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        _refuse(refusals, utc.is_null() & texts.is_not_null(), texts, column, "time_not_understood", _not_understood(time.pattern))
        start, end = _span(utc, time)
        return Axis(start, end, local_dates(start, park_zone), refusals, warnings)
    if time.first_date is not None:
        local, notes = _dated_by_order(texts, time)
        warnings += notes
    else:
        local = _local(texts, time)
    _refuse(refusals, local.is_null() & texts.is_not_null(), texts, column, "time_not_understood", _not_understood(time.pattern))
    utc, gap, unclear = _to_utc(local, zone, time.repeats, time.step, series_of)
    if gap is not None:
        reason = f"does not exist in {zone.key}: the clock is put forward over it; is the feed's zone right?"
        _refuse(refusals, gap, texts, column, "nonexistent_local_time", reason)
    if unclear is not None:
        reason = f"stands twice in {zone.key}, where the clock is put back, and which one is meant cannot be told"
        _refuse(refusals, unclear, texts, column, "ambiguous_local_time", reason)
    start, end = _span(utc, time, local, zone)
    return Axis(start, end, local_dates(start, park_zone), refusals, warnings)


def local_dates(utc: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Date in the zone of naive UTC instants."""
    if (offset := _fixed_offset(utc, zone)) is not None:
        return (utc + offset).dt.date()
    return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key).dt.date()


def read_dates(texts: pl.Series, pattern: str | None) -> pl.Series:
    """Dates by a pattern, or ISO (an Excel date's midnight included); null where a text is none."""
    clean = texts.str.strip_chars()
    if pattern is not None:
        return _parse(clean, pattern).dt.date()
    return clean.str.replace(r"[T ]00:00(:00(\.0+)?)?$", "").str.replace_all("/", "-").str.to_date("%Y-%m-%d", strict=False)


def read_instants(texts: pl.Series, pattern: str | None, zone: ZoneInfo) -> pl.Series:
    """Local times of a zone as naive UTC; null where a text is none or the time does not exist. A repeated hour means its first."""
    clean = texts.str.strip_chars()
    if pattern is None:
        clean = clean.str.replace("T", " ", literal=True)
        parsed = _parse(clean, "%Y-%m-%d %H:%M:%S")
        local = parsed.zip_with(parsed.is_not_null(), _parse(clean, "%Y-%m-%d %H:%M"))
        local = local.zip_with(local.is_not_null(), _parse(clean, "%Y-%m-%d"))
    elif "%z" in pattern:
        return _parse(clean, pattern).dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    else:
        local = _parse(clean, pattern)
    return _to_utc(local, zone, "earliest", DAY, lambda: None)[0]


def read_periods(texts: pl.Series, pattern: str, length: str) -> tuple[pl.Series, pl.Series]:
    """First date of each reporting period and first date after it. %q is the quarter, 1 to 4."""
    parts = texts.str.strip_chars().str.extract_groups(pattern_regex(pattern)).struct.unnest()

    def part(*names: str) -> pl.Expr:
        found = [pl.col(name).str.strip_chars().cast(pl.Int32, strict=False) for name in names if name in parts.columns]
        return found[0] if found else pl.lit(None, pl.Int32)

    two_digits = part("y")
    year = pl.coalesce(part("Y"), two_digits + pl.when(two_digits < 69).then(2000).otherwise(1900))
    month = pl.coalesce(part("m"), part("q") * 3 - 2, pl.lit(1))
    day = pl.coalesce(part("d", "e"), pl.lit(1))
    real = month.is_between(1, 12) & day.is_between(1, 31)
    every = {"day": "1d", "month": "1mo", "quarter": "1q", "year": "1y"}[length]
    named = parts.select(pl.when(real).then(pl.concat_str(year, month, day, separator="-")).str.to_date("%Y-%m-%d", strict=False))
    first = named.to_series().dt.truncate(every)
    return first, first.dt.offset_by(every)


def pattern_regex(pattern: str) -> str:
    """A strptime pattern as a regular expression with a group per directive."""
    pieces, seen = [], set()
    for literal, letter in re.findall(r"([^%]*)(?:%(?:\.|)([A-Za-z%])|$)", _plain(pattern)):
        pieces.append(re.escape(literal))
        if letter:
            inside = _DIRECTIVE.get(letter, r".+?")
            pieces.append(f"({inside})" if letter in seen or letter == "%" else f"(?<{letter}>{inside})")
            seen.add(letter)
    return f"^{''.join(pieces)}$"


def example(pattern: str) -> str:
    """A time as the pattern writes it."""
    return _SAMPLE.strftime(_plain(pattern).replace("%q", "1"))


def _plain(pattern: str) -> str:
    for short, long in _COMPOSITE.items():
        pattern = pattern.replace(short, long)
    return pattern


def _not_understood(pattern: str) -> str:
    return f"does not read as {pattern}; right would be {example(pattern)}"


def _refuse(refusals: Refusals, mask: pl.Series, texts: pl.Series, column: str, rule: str, reason: str) -> None:
    if mask.any():
        at = mask.arg_true()
        refusals.add(at, column=column, rule=rule, reason=reason, raw=texts.gather(at))


def _stamps(rows: pl.DataFrame, time: Time) -> pl.Series:
    """The stamps' texts. Blank is empty; a spreadsheet's date beside a time of day loses its own midnight."""
    columns = [pl.col(name) for name in time.source_columns]
    if len(columns) > 1:
        # A date cell of a workbook comes as 2026-01-31 00:00:00, a time of day as 00:15:00.
        columns = [column.str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", "$1") for column in columns]
        texts = rows.select(pl.concat_str(columns, separator=" ")).to_series()
    else:
        texts = rows.select(columns).to_series()
    blank = texts.str.len_bytes() == 0
    return texts.set(blank.fill_null(False), None) if blank.any() else texts


def _parse(texts: pl.Series, pattern: str) -> pl.Series:
    """Naive stamps (zoned with %z) by pattern, null where a text is none. An hour without minutes is the full hour."""
    pattern = _plain(pattern)
    if ("%H" in pattern or "%I" in pattern) and "%M" not in pattern:
        texts, pattern = texts + ":00", pattern + ":%M"
    if "%z" in pattern:
        texts = texts.str.replace("Z$", "+00:00")
    try:
        return texts.str.to_datetime(pattern, time_unit="us", strict=False)
    except pl.exceptions.ComputeError:
        # No stamp at all can be read; the contract check has said what is wrong with the pattern.
        return pl.Series([None], dtype=INSTANT).new_from_index(0, texts.len())


def _local(texts: pl.Series, time: Time) -> pl.Series:
    local = _parse(texts, time.pattern)
    whole_days = pl.Series([], dtype=pl.UInt32)
    odd = local.is_null() & texts.is_not_null()
    if odd.any():
        at = odd.arg_true()
        mended, is_24 = _mend(texts.gather(at), time.pattern)
        local = local.scatter(at, mended)
        whole_days = at.filter(is_24)
    if time.midnight == "end_of_day":
        midnight = ((local.dt.hour() == 0) & (local.dt.minute() == 0) & (local.dt.second() == 0)).fill_null(False)
        # 24:00 was read as 00:00 of its own date and gets its day here too.
        return (local + DAY).zip_with(midnight, local)
    return local.scatter(whole_days, local.gather(whole_days) + DAY) if whole_days.len() else local


def _mend(texts: pl.Series, pattern: str) -> tuple[pl.Series, pl.Series]:
    """Second reading of stamps the pattern refused: outer blanks, full-width digits, a fraction of a second, 24:00.

    Returns the stamps, 24:00 as 00:00 of the printed date, and where that was so.
    """
    clean = texts.str.normalize("NFKC").str.strip_chars()
    # Spreadsheet serials are binary fractions of a day: 00:15 comes as 00:14:59.999.
    fraction = clean.str.contains(r":\d\d\.\d+$") if "%S" in _plain(pattern) and "%f" not in pattern and "%.f" not in pattern else None
    if fraction is not None and fraction.any():
        exact = _parse(clean, _plain(pattern) + "%.f")
        rounded = exact.dt.round("1s")
        near = ((exact - rounded).dt.total_milliseconds().abs() <= 5).fill_null(False)
        rounded = rounded.zip_with(near, pl.Series([None], dtype=INSTANT).new_from_index(0, rounded.len()))
    else:
        rounded = pl.Series([None], dtype=INSTANT).new_from_index(0, clean.len())
    parsed = _parse(clean, pattern)
    parsed = parsed.zip_with(parsed.is_not_null(), rounded)
    if "%H" not in _plain(pattern):
        return parsed, pl.repeat(False, clean.len(), dtype=pl.Boolean, eager=True)
    before, after = _plain(pattern).split("%H", 1)
    expression = f"{pattern_regex(before).rstrip('$')}24{pattern_regex(after).lstrip('^')}"
    expression = re.sub(r"\(\?<\w>", "(?:", expression)
    is_24 = clean.str.contains(expression).fill_null(False)
    if is_24.any():
        head = re.sub(r"\(\?<\w>", "(?:", pattern_regex(before).rstrip("$"))
        at_zero = clean.str.replace(f"({head})24", "${1}00")
        zero = _parse(at_zero, pattern)
        full_hour = ((zero.dt.minute() == 0) & (zero.dt.second() == 0)).fill_null(False)
        is_24 = is_24 & full_hour  # 24:15 is no time
        parsed = zero.zip_with(is_24, parsed)
    return parsed, is_24


def _dated_by_order(texts: pl.Series, time: Time) -> tuple[pl.Series, list[str]]:
    """Stamps of a file whose rows carry only a time of day: the date advances where the time goes back."""
    assert time.first_date is not None
    anchored = time.model_copy(update={"pattern": f"%Y-%m-%d {time.pattern}", "first_date": None})
    since = _local("1970-01-01 " + texts, anchored).to_physical()
    known = since.drop_nulls()
    previous = known.shift(1)
    wraps = known <= previous if time.step >= DAY else known < previous
    days = wraps.fill_null(False).cast(pl.Int64).cum_sum()
    elapsed = days + (time.first_date - date(1970, 1, 1)).days
    stamps = (known + elapsed * (DAY // timedelta(microseconds=1))).cast(INSTANT)
    local = pl.Series([None], dtype=INSTANT).new_from_index(0, texts.len())
    at = since.is_not_null().arg_true()
    local = local.scatter(at, stamps) if at.len() else local
    irregular = int((stamps.diff().drop_nulls() != time.step).sum())
    warnings = []
    if irregular:
        warnings.append(
            f"dates were counted from {time.first_date}: {irregular:,} of {max(stamps.len() - 1, 0):,} steps are not {time.step}, "
            "and a gap of more than a day cannot be seen in a file without dates"
        )
    return local, warnings


def _fixed_offset(stamps: pl.Series, zone: ZoneInfo) -> timedelta | None:
    """The zone's offset if it does not change within a day of any stamp, else None."""
    low, high = stamps.min(), stamps.max()
    if low is None or high is None:
        return timedelta(0)
    # No zone has ever changed twice within six hours, so a grid of six sees every change; it is looked up once a file.
    grid = pl.datetime_range(low - 2 * DAY, high + 2 * DAY, "6h", eager=True, time_unit="us")
    there = grid.dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key).dt.replace_time_zone(None)
    offsets = (there - grid).unique()
    return offsets[0] if offsets.len() == 1 else None


def _to_utc(
    local: pl.Series, zone: ZoneInfo, repeats: str, step: timedelta, series_of: Callable[[], pl.Series | None]
) -> tuple[pl.Series, pl.Series | None, pl.Series | None]:
    """Naive UTC, where the local time does not exist, and where it stands twice and stays unclear."""
    if (offset := _fixed_offset(local, zone)) is not None:
        return local - offset, None, None
    earliest = _zoned(local, zone, "earliest")
    gap = earliest.is_null() & local.is_not_null()
    latest = _zoned(local, zone, "latest")
    twice = (earliest != latest).fill_null(False)
    if not twice.any() or repeats == "earliest":
        return earliest, gap, None
    if repeats == "latest":
        return latest, gap, None
    if repeats == "quarantine":
        return earliest.set(twice, None), gap, twice
    is_second, unclear = _by_order(local, earliest, latest, twice, step, series_of())
    utc = latest.zip_with(is_second, earliest)
    return (utc.set(unclear, None), gap, unclear) if unclear.any() else (utc, gap, None)


def _zoned(local: pl.Series, zone: ZoneInfo, ambiguous: str) -> pl.Series:
    zoned = local.dt.replace_time_zone(zone.key, ambiguous=ambiguous, non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _by_order(
    local: pl.Series, earliest: pl.Series, latest: pl.Series, twice: pl.Series, step: timedelta, series: pl.Series | None
) -> tuple[pl.Series, pl.Series]:
    """Which stamps of a repeated hour are of its second pass, and which cannot be told.

    Where every stamp of the hour stands twice, the second of each is the later. Else the stamps go
    through the hour until they jump back. An hour that is gone through once belongs where a step joins
    it to the stamp before it, or failing that to the one behind; standing alone it is the first.
    """
    moves = local.drop_nulls().diff().drop_nulls().dt.total_microseconds()
    backwards = bool((moves < 0).sum() > (moves > 0).sum())
    rows = pl.DataFrame({"local": local, "first": earliest, "second": latest, "twice": twice}).with_row_index("at")
    rows = rows.with_columns(series=series if series is not None else pl.lit("")).filter(pl.col("local").is_not_null())
    rows = rows.reverse() if backwards else rows
    run = ["series", pl.col("local").dt.date()]
    joins = {
        "second_follows": pl.col("second") - pl.col("before") == step,
        "first_follows": pl.col("first") - pl.col("before") == step,
        "second_leads": pl.col("behind") - pl.col("second") == step,
        "first_leads": pl.col("behind") - pl.col("first") == step,
    }
    inside = (
        rows.with_columns(before=pl.col("first").shift(1).over("series"), behind=pl.col("first").shift(-1).over("series"))
        .filter("twice")
        .with_columns(
            count=pl.len().over("series", "local"),
            nth=pl.int_range(pl.len()).over("series", "local"),
            jumps=(pl.col("local") < pl.col("local").shift(1)).fill_null(False).cast(pl.Int64).cum_sum().over(run),
            **{name: joined.fill_null(False) for name, joined in joins.items()},
        )
        .with_columns(
            all_twice=(pl.col("count") == 2).all().over(run),
            most=pl.col("count").max().over(run),
            passes=pl.col("jumps").max().over(run) + 1,
            starts_second=(pl.col("second_follows") & ~pl.col("first_follows")).first().over(run),
            starts_first=pl.col("first_follows").first().over(run),
            ends_second=(pl.col("second_leads") & ~pl.col("first_leads")).last().over(run),
        )
    )
    once = pl.col("starts_second") | (~pl.col("starts_first") & pl.col("ends_second"))
    is_second = pl.when("all_twice").then(pl.col("nth") == 1).when(pl.col("passes") == 1).then(once).otherwise(pl.col("jumps") == 1)
    unclear = (pl.col("most") > 2) | (~pl.col("all_twice") & (pl.col("passes") > 2))
    nothing = pl.repeat(False, local.len(), dtype=pl.Boolean, eager=True)
    return (
        nothing.clone().scatter(inside.filter(is_second)["at"], True),
        nothing.clone().scatter(inside.filter(unclear)["at"], True),
    )


def _span(utc: pl.Series, time: Time, local: pl.Series | None = None, zone: ZoneInfo | None = None) -> tuple[pl.Series, pl.Series]:
    """Start and end of the period a stamp labels. Steps of whole days follow the calendar: 23, 24 or 25 hours."""
    if time.label is Label.INSTANT:
        return utc, utc
    direction = 1 if time.label is Label.START else -1
    other = utc + direction * time.step
    if time.step % DAY == timedelta(0) and local is not None and zone is not None and _fixed_offset(local, zone) is None:
        calendar = _zoned(local + direction * time.step, zone, "earliest")
        # Midnight itself may not exist where clocks change at midnight: then the plain step stands.
        other = calendar.zip_with(calendar.is_not_null(), other).set(utc.is_null(), None)
    return (utc, other) if time.label is Label.START else (other, utc)
