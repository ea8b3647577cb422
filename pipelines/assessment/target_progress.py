"""Progress towards targets (目标进展): what was promised, what has come of it year by year, and whether it is on its way.

A target runs in a straight line from its baseline to its last year. Actual values are those of the annual marts, of one perimeter:
mergers and splits since the target was set are followed. Forecasts come from `outlook`; how they are made stands there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.assessment.columns import MEASURED_SHARE
from pipelines.assessment.lineage import RELATIONS, Perimeter, perimeter
from pipelines.assessment.measure_series import months_after
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.contracts.records import BOOL, COUNT, NUMBER, TARGET, TEXT, TEXTS, Column
from pipelines.contracts.states import State
from pipelines.contracts.units import UnitError, Units

ITEM, MASS = "item:", "mass:"
LOWER, HIGHER = "lower_is_better", "higher_is_better"
BASELINE, ON_TRACK, BEHIND, MET, MISSED, OPEN, NOT_COMPUTABLE = "baseline", "on_track", "behind", "met", "missed", "open", "not_computable"
WHOLE = "ALL"

_COVERED = 0.9
"""Share of a year that must be known for its quantity to stand for it: what is not measured must not look like saving."""
_SAME = 1e-9
"""Relative difference below which two values are one: a target that is reached exactly is reached."""


def path_value(baseline_year: int, baseline: float, target_year: int, target: float, year: int) -> float:
    """Value that the straight line from baseline to target has in a year.

    Raises:
        ValueError: the target year is not after the baseline year.
    """
    if target_year <= baseline_year:
        raise ValueError(f"target year {target_year} is not after baseline year {baseline_year}")
    return baseline + (target - baseline) * (year - baseline_year) / (target_year - baseline_year)


def reaches(value: float, demanded: float, direction: str) -> bool:
    """Whether a value is as good as what is demanded, or better."""
    slack = _SAME * max(abs(value), abs(demanded))
    return value <= demanded + slack if direction == LOWER else value >= demanded - slack


# -- values of a year ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A value of a year, or what is missing."""

    value: float | None = None
    unit: str | None = None
    measured_share: float | None = None
    missing: str | None = None


class Values:
    """Annual values by subject, metric and year, in the unit of the target."""

    def __init__(self, frames: Frames, units: Units, park_id: str) -> None:
        self._units = units
        self._metrics = {row["metric_code"]: row for row in frames["metrics"].sort("valid_from").iter_rows(named=True)}
        whole = (pl.col("product_code") == WHOLE) & pl.col("process_id").is_null()
        self._ratios = _by_year(
            frames["efficiency"].filter(whole),
            frames["park_efficiency"].filter(whole),
            park_id,
            "metric_code",
            ("numerator", "denominator", "unit", "state", "measured_share"),
        )
        self._items = _by_year(
            frames["consumption"].filter(pl.col("process_id").is_null()), frames["park_consumption"], park_id, "item_code",
            ("quantity", "unit", "completeness_share", "measured_share"),
        )  # fmt: skip
        self._masses = _by_year(
            _outlets(frames["emission"].filter("counts_in_enterprise_total"), ["enterprise_id"]), _outlets(frames["park_emission"], []), park_id, "pollutant_code",
            ("quantity", "unit", "completeness_share", "measured_share"),
        )  # fmt: skip

    def direction(self, metric_code: str) -> str | None:
        """Which way is better; null for a metric that nobody knows."""
        if metric_code.startswith((ITEM, MASS)):
            return LOWER
        return self._metrics[metric_code]["direction"] if metric_code in self._metrics else None

    def of(self, subject_kind: str, ids: tuple[str, ...], metric_code: str, year: int, unit: str | None) -> Found:
        """A metric's value in a year, of all identifiers of a perimeter together, in the unit asked for."""
        found = self._raw(subject_kind, ids, metric_code, year)
        if found.value is None or unit is None or found.unit == unit:
            return found
        try:
            scale, offset = self._units.convert(found.unit, unit)
        except UnitError as error:
            return Found(missing=str(error))
        return Found(found.value * scale + offset, unit, found.measured_share)

    def _raw(self, subject_kind: str, ids: tuple[str, ...], metric_code: str, year: int) -> Found:
        kind, code, table = next(
            ((kind, metric_code.removeprefix(kind), table) for kind, table in ((ITEM, self._items), (MASS, self._masses)) if metric_code.startswith(kind)),
            ("", metric_code, self._ratios),
        )  # fmt: skip
        rows = [row for one in ids for row in table.get((subject_kind, one, code, year), ())]
        if not rows:
            return Found(missing=f"nothing is known of {metric_code} in {year}")
        if len({row["unit"] for row in rows}) > 1:
            return Found(
                missing=f"{metric_code} of {', '.join(ids)} in {year} is in {', '.join(sorted({row['unit'] for row in rows}))}: unlike units"
            )
        return self._quantity(rows, metric_code, year) if kind else self._ratio(rows, code, year)

    def _ratio(self, rows: list[dict[str, Any]], code: str, year: int) -> Found:
        known = [
            row for row in rows if row["numerator"] is not None and row["denominator"] is not None and row["state"] != State.MISSING.value
        ]
        if len(known) < len(rows):
            return Found(missing=f"a side of {code} is missing in {year}")
        above, below = sum(row["numerator"] for row in known), sum(row["denominator"] for row in known)
        if below == 0:
            return Found(missing=f"the denominator of {code} was 0 in {year}")
        if code not in self._metrics:
            return Found(missing=f"metric {code} is not in reference.metric")
        return Found(above / below * self._metrics[code]["scale"], known[0]["unit"], _weighted(known, "numerator"))

    @staticmethod
    def _quantity(rows: list[dict[str, Any]], metric_code: str, year: int) -> Found:
        if any(row["quantity"] is None for row in rows):
            return Found(missing=f"a part of {metric_code} is missing in {year}")
        covered = min(1.0 if row["completeness_share"] is None else row["completeness_share"] for row in rows)
        if covered < _COVERED:
            return Found(missing=f"{covered:.0%} of {year} is known of {metric_code}")
        return Found(sum(row["quantity"] for row in rows), rows[0]["unit"], _weighted(rows, "quantity"))


def _weighted(rows: list[dict[str, Any]], size: str) -> float | None:
    shared = [row for row in rows if row["measured_share"] is not None]
    total = sum(abs(row[size]) for row in shared)
    return sum(abs(row[size]) * row["measured_share"] for row in shared) / total if total else None


def _outlets(emission: pl.DataFrame, subject: list[str]) -> pl.DataFrame:
    """Outlets of a pollutant added up; how much of the year is known is weighed by mass."""
    mass, covered = pl.col("mass_kg").abs().fill_null(0), pl.col("completeness_share").fill_null(1.0)
    return emission.group_by(*subject, "pollutant_code", "year_start_date").agg(
        quantity=pl.when(pl.col("mass_kg").is_not_null().all()).then(pl.col("mass_kg").sum()),
        unit=pl.lit("kg").first(),
        completeness_share=pl.when(mass.sum() > 0).then((covered * mass).sum() / mass.sum()).otherwise(covered.mean()),
        measured_share=pl.when(mass.sum() > 0).then((pl.col("measured_share").fill_null(0) * mass).sum() / mass.sum()),
    )


def _by_year(
    of_enterprises: pl.DataFrame, of_park: pl.DataFrame, park_id: str, code: str, columns: tuple[str, ...]
) -> dict[tuple, list[dict[str, Any]]]:
    key = [pl.col("subject_kind"), pl.col("subject_id"), pl.col(code).alias("code"), pl.col("year_start_date").dt.year().alias("year")]
    both = pl.concat(
        [
            of_enterprises.with_columns(subject_kind=pl.lit("enterprise"), subject_id=pl.col("enterprise_id")).select(*key, *columns),
            of_park.with_columns(subject_kind=pl.lit("park"), subject_id=pl.lit(park_id)).select(*key, *columns),
        ]
    )
    found: dict[tuple, list[dict[str, Any]]] = {}
    for row in both.iter_rows(named=True):
        found.setdefault((row["subject_kind"], row["subject_id"], row["code"], row["year"]), []).append(row)
    return found


# -- forecasts -------------------------------------------------------------------------------------------------------------------------


class Forecasts:
    """Quantities of years that are not over: months that are known, and the outlook of the others."""

    def __init__(self, frames: Frames, units: Units, park_id: str) -> None:
        self._units = units
        series = ("subject_kind", "subject_id", "metric_code")
        self._ahead: dict[tuple[str, str, str], dict[date, tuple[float, str]]] = {}
        for row in frames["outlook"].iter_rows(named=True):
            self._ahead.setdefault(tuple(row[name] for name in series), {})[row["month_start_date"]] = (row["value"], row["unit"])
        monthly = pl.concat(
            [
                _months_of(frames["consumption_monthly"].filter(pl.col("process_id").is_null()), "enterprise", pl.col("enterprise_id"), ITEM, "item_code", "quantity"),
                _months_of(frames["park_consumption_monthly"], "park", pl.lit(park_id), ITEM, "item_code", "quantity"),
                _months_of(frames["emission_monthly"].filter("counts_in_enterprise_total"), "enterprise", pl.col("enterprise_id"), MASS, "pollutant_code", "mass_kg"),
                _months_of(frames["park_emission_monthly"], "park", pl.lit(park_id), MASS, "pollutant_code", "mass_kg"),
            ]
        )  # fmt: skip
        self._known: dict[tuple[str, str, str], dict[date, float | None]] = {}
        for *key, month, value in monthly.iter_rows():
            self._known.setdefault(tuple(key), {})[month] = value

    def of(self, subject_kind: str, ids: tuple[str, ...], metric_code: str, year: int, unit: str | None) -> tuple[float | None, int | None]:
        """Sum of a year of known and forecast months, in the unit asked for, and how many of them are forecast.

        Null where the outlook does not reach to the year's end, or where a month before its first is not known.
        """
        known = {one: self._known.get((subject_kind, one, metric_code), {}) for one in ids}
        ahead = {one: months for one in ids if (months := self._ahead.get((subject_kind, one, metric_code)))}
        if not ahead:
            return None, None
        begins = min(min(months) for months in ahead.values())
        # Who was still there in the last known month must have a forecast, or the sum would lack a part.
        if any(months.get(months_after(begins, -1)) is not None and one not in ahead for one, months in known.items()):
            return None, None
        total, forecast = 0.0, 0
        for month in (date(year, number, 1) for number in range(1, 13)):
            is_ahead = month >= begins
            parts = [months.get(month, (None, ""))[0] for months in ahead.values()] if is_ahead else _values_of(known, month)
            if not parts or None in parts:
                return None, None
            total, forecast = total + sum(parts), forecast + is_ahead
        if forecast == 0:
            return None, None
        own_unit = next(unit for months in ahead.values() for _, unit in months.values())
        try:
            scale, _ = (1.0, 0.0) if unit is None else self._units.convert(own_unit, unit)
        except UnitError:
            return None, None
        return total * scale, forecast


def _values_of(known: Mapping[str, Mapping[date, float | None]], month: date) -> list[float | None]:
    """Values of those that have a row for the month; one without a row was not there."""
    return [months[month] for months in known.values() if month in months]


def _months_of(rows: pl.DataFrame, kind: str, subject: pl.Expr, prefix: str, code: str, value: str) -> pl.DataFrame:
    known = pl.col(value).is_not_null().all()
    return rows.group_by(
        pl.lit(kind).alias("subject_kind"), subject.alias("subject_id"), pl.concat_str(pl.lit(prefix), code).alias("metric_code"), "month_start_date"
    ).agg(value=pl.when(known).then(pl.col(value).sum()))  # fmt: skip


# -- one target ------------------------------------------------------------------------------------------------------------------------


def progress_of(
    target: Mapping[str, Any], values: Values, forecasts: Forecasts, relations: pl.DataFrame, today: date
) -> list[dict[str, Any]]:
    """One row for every year from a target's baseline to its end."""
    kind, metric_code = target["subject_kind"], target["metric_code"]
    same = (
        perimeter(relations, "enterprise", target["subject_id"], target["set_on"])
        if kind == "enterprise"
        else Perimeter((target["subject_id"],))
    )
    direction = values.direction(metric_code)
    base = {name: target[name] for name in _CARRIED} | {
        "direction": direction, "is_ratio": not metric_code.startswith((ITEM, MASS)), "perimeter": [*same.ids], "notes": [*same.notes],
    }  # fmt: skip
    first, last = target["baseline_year"], target["target_year"]
    if wrong := _what_is_wrong(target, direction):
        return [base | {"year": last, "status": NOT_COMPUTABLE, "missing": wrong, "state": State.MISSING.value}]
    baseline = _baseline(target, same, values)
    # Where the record names no unit its values are in that of the marts.
    unit = target["unit"] or baseline.unit
    base |= {"baseline_value": baseline.value, "unit": unit}
    rows = []
    for year in range(first, last + 1):
        row = base | {"year": year, "missing": [], "state": State.MISSING.value}
        if baseline.value is not None:
            row["path_value"] = path_value(first, baseline.value, last, target["target_value"], year)
        else:
            row["missing"] = [f"baseline: {baseline.missing}"]
        is_over = date(year + 1, 1, 1) <= today
        actual = (
            baseline
            if year == first and baseline.value is not None
            else _actual(same, kind, metric_code, year, unit, values)
            if is_over
            else Found()
        )
        row |= {"actual_value": actual.value, "measured_share": actual.measured_share, "unit": unit or actual.unit}
        if is_over and actual.missing is not None:
            row["missing"] = [*row["missing"], actual.missing]
        if not is_over and not base["is_ratio"]:
            row["forecast_value"], row["forecast_months"] = forecasts.of(kind, same.ids, metric_code, year, unit)
        rows.append(_judged(row, target, is_over))
    return rows


def _what_is_wrong(target: Mapping[str, Any], direction: str | None) -> list[str]:
    wrong = []
    if direction not in (LOWER, HIGHER):
        known = "is not in reference.metric" if direction is None else f"has direction {direction}"
        wrong.append(f"metric {target['metric_code']} {known}: nothing says which way is better")
    if target["target_year"] <= target["baseline_year"]:
        wrong.append(f"target year {target['target_year']} is not after baseline year {target['baseline_year']}")
    return wrong


def _baseline(target: Mapping[str, Any], same: Perimeter, values: Values) -> Found:
    year = target["baseline_year"]
    if target["baseline_value"] is not None:
        return Found(target["baseline_value"], target["unit"])
    return _actual(same, target["subject_kind"], target["metric_code"], year, target["unit"], values)


def _actual(same: Perimeter, kind: str, metric_code: str, year: int, unit: str | None, values: Values) -> Found:
    """The year's value, if the perimeter has one of its own for the whole of it."""
    if same.begins is not None and same.begins > date(year, 1, 1):
        return Found(missing=f"{same.ids[0]} was not on its own before {same.begins}, and {year} is not told apart")
    if same.ends is not None and same.ends < date(year + 1, 1, 1):
        return Found(missing=f"{same.ids[0]} is not on its own since {same.ends}, and {year} is not told apart")
    return values.of(kind, same.ids, metric_code, year, unit)


def _judged(row: dict[str, Any], target: Mapping[str, Any], is_over: bool) -> dict[str, Any]:
    """Status and distances of a year."""
    path, actual, forecast = row.get("path_value"), row["actual_value"], row.get("forecast_value")
    first, last, direction = target["baseline_year"], target["target_year"], row["direction"]
    if path is None or (is_over and actual is None):
        return row | {"status": NOT_COMPUTABLE}
    way = row["baseline_value"] - target["target_value"]
    if forecast is not None:
        row["forecast_reaches_path"] = reaches(forecast, path, direction)
    if actual is None:
        return row | {"status": OPEN, "state": State.ESTIMATED.value if forecast is not None else State.MISSING.value}
    behind = actual - path if direction == LOWER else path - actual
    row |= {
        "behind_by": behind,
        "progress_share": (row["baseline_value"] - actual) / way if way else None,
        "state": State.SELF_REPORTED.value
        if row["measured_share"] is None
        else State.MEASURED.value
        if row["measured_share"] >= 1 - _SAME
        else State.ESTIMATED.value,
    }
    if row["year"] == first:
        return row | {"status": BASELINE}
    good = reaches(actual, path, direction)
    return row | {"status": (MET if good else MISSED) if row["year"] == last else (ON_TRACK if good else BEHIND)}


# -- the method ------------------------------------------------------------------------------------------------------------------------

_CARRIED = ("subject_kind", "subject_id", "metric_code", "target_year", "baseline_year", "target_value", "set_on", "set_by")
TARGET_PROGRESS = Result(
    "target_progress",
    "One row per target and year from its baseline to its end",
    (*(TARGET.by_name[name] for name in TARGET.key), Column("year", COUNT, "Calendar year.", required=True)),
    (
        Column("status", TEXT, "baseline; on_track or behind before the last year; met or missed in it; open while the year is not over; or not_computable.", required=True,
               allowed=(BASELINE, ON_TRACK, BEHIND, MET, MISSED, OPEN, NOT_COMPUTABLE)),
        TARGET.by_name["baseline_year"],
        Column("baseline_value", NUMBER, "Value that the target is counted from, in `unit`: the declared one, else the baseline year's."),
        TARGET.by_name["target_value"],
        Column("unit", TEXT, "Unit of all values of the row."),
        Column("direction", TEXT, "lower_is_better or higher_is_better; quantities are lower_is_better."),
        Column("is_ratio", BOOL, "Whether the metric is normalised by output, value added or the like; a quantity is not.", required=True),
        Column("path_value", NUMBER, "What the straight line from baseline to target asks for in the year, in `unit`."),
        Column("actual_value", NUMBER, "Value of the year, in `unit`; null while it is not over."),
        Column("behind_by", NUMBER, "Distance of the actual value from the path, in `unit`; positive where it is behind."),
        Column("progress_share", NUMBER, "Part of the way from baseline to target that has been gone; above 1 beyond the target, negative the wrong way."),
        Column("forecast_value", NUMBER, "Known and forecast months of a year that is not over together, in `unit` (assessment.outlook); quantities only."),
        Column("forecast_months", COUNT, "How many of its twelve months are forecast."),
        Column("forecast_reaches_path", BOOL, "Whether that would be enough."),
        Column("missing", TEXTS, "What is missing for an answer.", required=True),
        Column("perimeter", TEXTS, "Enterprises whose figures are added: the subject, and what merged into it or was split off since the target was set.", required=True),
        Column("notes", TEXTS, "Changes of the perimeter, in words.", required=True),
        MEASURED_SHARE,
        TARGET.by_name["set_on"],
        TARGET.by_name["set_by"],
    ),
)  # fmt: skip


def follow_targets(frames: Frames, context: Context) -> Outcome:
    """Progress of every target."""
    values, forecasts = Values(frames, context.units, context.park_id), Forecasts(frames, context.units, context.park_id)
    rows = [
        row
        for target in frames["targets"].sort(list(TARGET.key)).iter_rows(named=True)
        for row in progress_of(target, values, forecasts, frames["relations"], context.today)
    ]
    schema = {column.name: column.dtype for column in (*TARGET_PROGRESS.key, *TARGET_PROGRESS.columns)} | {"state": TEXT}
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")
    newest = frame.filter(pl.col("status").is_in([ON_TRACK, BEHIND, MET, MISSED])).sort("year").unique(list(TARGET.key), keep="last")
    counts = dict(newest.group_by("status").len().iter_rows())
    said = ", ".join(f"{counts[status]} {status.replace('_', ' ')}" for status in (ON_TRACK, BEHIND, MET, MISSED) if status in counts)
    return Outcome(
        {TARGET_PROGRESS.name: frame},
        f"{frames['targets'].height} targets, by their last year that is known: {said or 'none is known'}",
    )


def draw(axes: Any, frames: Frames) -> None:
    """How far every target has come, against how far it should have."""
    known = frames[TARGET_PROGRESS.name].filter(pl.col("progress_share").is_not_null() & (pl.col("status") != BASELINE))
    shown = known.sort("year").unique(list(TARGET.key), keep="last").sort(list(TARGET.key)).head(20)
    names = [f"{subject} {metric} {year}" for subject, metric, year in shown.select("subject_id", "metric_code", "target_year").iter_rows()]
    due = (shown["year"] - shown["baseline_year"]) / (shown["target_year"] - shown["baseline_year"])
    colours = ["tab:green" if status in (ON_TRACK, MET) else "tab:red" for status in shown["status"]]
    axes.barh(names, (shown["progress_share"] * 100).to_list(), color=colours)
    axes.plot((due * 100).to_list(), names, "k|", markersize=12)
    axes.set_xlabel("% of the way from baseline to target; the mark is where the path is")


_RATIO = "process_id, product_code, metric_code, year_start_date, numerator, denominator, unit, state, measured_share"
_ITEM = "item_code, year_start_date, quantity, unit, completeness_share, measured_share"
_MASS = "pollutant_code, year_start_date, mass_kg, completeness_share, measured_share"
PROGRESS = Method(
    name="target_progress",
    version="1",
    description="Targets against actual values, path and forecast (目标进展).",
    reads={
        "targets": Source.of("staging.stg_targets", "subject_kind, subject_id, metric_code, target_year, baseline_year, baseline_value, target_value, unit, set_on, set_by"),
        "relations": Source.of("staging.stg_entity_relations", RELATIONS),
        "metrics": Source.of("reference.metric", "metric_code, direction, scale, valid_from"),
        "efficiency": Source.of("marts.enterprise_efficiency_annual", f"enterprise_id, {_RATIO}"),
        "park_efficiency": Source.of("marts.park_efficiency_annual", _RATIO),
        "consumption": Source.of("marts.enterprise_consumption_annual", f"enterprise_id, process_id, {_ITEM}"),
        "park_consumption": Source.of("marts.park_consumption_annual", _ITEM),
        "emission": Source.of("marts.enterprise_emission_annual", f"enterprise_id, counts_in_enterprise_total, {_MASS}"),
        "park_emission": Source.of("marts.park_emission_annual", _MASS),
        "consumption_monthly": Source.of("marts.enterprise_consumption_monthly", "enterprise_id, process_id, item_code, month_start_date, quantity"),
        "park_consumption_monthly": Source.of("marts.park_consumption_monthly", "item_code, month_start_date, quantity"),
        "emission_monthly": Source.of("marts.enterprise_emission_monthly", "enterprise_id, counts_in_enterprise_total, pollutant_code, month_start_date, mass_kg"),
        "park_emission_monthly": Source.of("marts.park_emission_monthly", "pollutant_code, month_start_date, mass_kg"),
        "outlook": Source.of("assessment.outlook", "subject_kind, subject_id, metric_code, month_start_date, value, unit"),
    },
    results=(TARGET_PROGRESS,),
    run=follow_targets,
    plot=draw,
)  # fmt: skip
