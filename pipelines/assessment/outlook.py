"""Outlook (趋势预测): consumption and emission of the coming year, month by month, and how far a forecast of it can be trusted.

Every series has the seasonal-naive forecast, the same month of last year. A model is used in its place only where it beat it on
the series' own past. What a forecast means for a target stands in `target_progress`.

Cost: a series takes five fits and their back-test, 20 to 70 ms on one core. Series are chosen by their share of the load and capped in
number, and one whose months have not changed since the build before keeps its forecast: most nights fit nothing and pay 0.1 s, the first
night of a month fits up to `_MOST_SERIES` in 2 to 5 s.
"""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from pipelines.assessment.lineage import RELATIONS
from pipelines.assessment.measure_series import first_whole_month, months_after
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.contracts.records import COUNT, DATE, NUMBER, TEXT, Column
from pipelines.contracts.states import State

VERSION = "1"
SEASONAL_NAIVE, SEASONAL_SES = "seasonal_naive", "seasonal_ses"
FORECAST, TOO_SHORT, ENDED, NOT_CHOSEN, NOTHING = "forecast", "too_short", "ended", "not_chosen", "nothing"
YEAR = 12
HORIZON = 12

# How many series a night may fit and how much of a month must be known are choices of this project, no norms.
_MOST_SERIES = 60
_LEADING_SHARE = 0.8
_COVERED = 0.9
_ENDED_AFTER_MONTHS = 3
_FIT_MONTHS = 2 * YEAR
"""A seasonal pattern is told from noise by two cycles at least."""
_ORIGINS = (12, 9, 6, 3)
"""Months before the end at which the back-test stands and forecasts."""

# -- forecasts -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Path:
    """A forecast: value and standard deviation for every month ahead."""

    values: np.ndarray
    deviations: np.ndarray

    def bounds(self, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        reach = NormalDist().inv_cdf((1 + confidence) / 2) * self.deviations
        return self.values - reach, self.values + reach


def seasonal_naive(values: np.ndarray, horizon: int) -> Path:
    """The same month of the last year known. Its errors grow with the square root of the years ahead.

    Args:
        values: At least twelve months; of exactly twelve there is no error to judge by, and deviations are not known (NaN).
    """
    ahead = np.arange(horizon)
    errors = values[YEAR:] - values[:-YEAR]
    sigma = float(np.sqrt(np.mean(errors**2))) if errors.size else float("nan")
    return Path(values[values.size - YEAR + ahead % YEAR], sigma * np.sqrt(ahead // YEAR + 1))


def seasonal_ses(values: np.ndarray, horizon: int) -> Path:
    """Simple exponential smoothing of the seasonally adjusted series, additive: ETS(A,N,N) on what a classical decomposition leaves.

    A level that follows the series and no trend: two or three years do not tell a trend from a step. Deviations are those of
    ETS(A,N,N), sigma sqrt(1 + (h - 1) alpha^2); the twelve seasonal figures and the level count as estimated.

    Args:
        values: At least two years of months.
    """
    # Imported here: it costs a second, and most nights have nothing to fit.
    from statsmodels.tools.sm_exceptions import ConvergenceWarning
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing
    from statsmodels.tsa.seasonal import seasonal_decompose

    seasonal = np.asarray(seasonal_decompose(values, model="additive", period=YEAR).seasonal)[:YEAR]
    adjusted = values - seasonal[np.arange(values.size) % YEAR]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = SimpleExpSmoothing(adjusted, initialization_method="known", initial_level=float(adjusted[:YEAR].mean())).fit()
    alpha = float(fit.params["smoothing_level"])
    level = float(np.asarray(fit.forecast(1))[0])
    sigma = float(np.sqrt(np.sum(np.asarray(fit.resid) ** 2) / (values.size - YEAR - 1)))
    ahead = np.arange(horizon)
    return Path(level + seasonal[(values.size + ahead) % YEAR], sigma * np.sqrt(1 + ahead * alpha**2))


_FORECASTERS = {SEASONAL_NAIVE: seasonal_naive, SEASONAL_SES: seasonal_ses}


@dataclass(frozen=True)
class Score:
    """What a forecaster did on the past: mean errors over all months forecast from all origins."""

    mase: float | None
    smape: float


def back_test(values: np.ndarray) -> tuple[dict[str, Score], int]:
    """Rolling-origin back-test of both forecasters, and the number of origins.

    Errors are pooled over origins 12, 9, 6 and 3 months before the end, each forecasting to it, and never from less than two years.
    MASE is scaled by the mean step from one year to the next before the first origin; without such a step there is none. sMAPE is
    200 |e| / (|y| + |f|) %, and 0 where both are 0.
    """
    origins = [values.size - months for months in _ORIGINS if values.size - months >= _FIT_MONTHS]
    if len(origins) < 2:
        return {}, len(origins)
    before = values[: origins[0]]
    scale = float(np.mean(np.abs(before[YEAR:] - before[:-YEAR])))
    actual = np.concatenate([values[origin:] for origin in origins])
    scores = {}
    for name, forecaster in _FORECASTERS.items():
        said = np.concatenate([forecaster(values[:origin], values.size - origin).values for origin in origins])
        error, size = np.abs(actual - said), np.abs(actual) + np.abs(said)
        smape = float(np.mean(np.divide(200 * error, size, out=np.zeros_like(error), where=size > 0)))
        scores[name] = Score(float(np.mean(error)) / scale if scale > 0 else None, smape)
    return scores, len(origins)


# -- series ----------------------------------------------------------------------------------------------------------------------------

SERIES = {
    "subject_kind": pl.String, "subject_id": pl.String, "metric_code": pl.String, "month_start_date": pl.Date, "value": pl.Float64, "unit": pl.String,
}  # fmt: skip
KEY = ("subject_kind", "subject_id", "metric_code")


def known_months(frames: Frames, context: Context) -> pl.DataFrame:
    """Months that are over and known nearly whole, of every item and pollutant of the park and its enterprises, by `SERIES`.

    An enterprise that merged into another adds to it from the beginning; where one was split, both begin anew.
    """
    items = pl.concat(
        [
            _items(frames["park_consumption"].with_columns(subject_id=pl.lit(context.park_id)), "park"),
            _items(
                frames["consumption"].filter(pl.col("process_id").is_null()).with_columns(subject_id=pl.col("enterprise_id")), "enterprise"
            ),
        ]
    )
    masses = pl.concat(
        [
            _masses(frames["park_emission"].with_columns(subject_id=pl.lit(context.park_id)), "park"),
            _masses(frames["emission"].filter("counts_in_enterprise_total").with_columns(subject_id=pl.col("enterprise_id")), "enterprise"),
        ]
    )
    over = pl.col("month_start_date").dt.offset_by("1mo") <= context.today
    rows = _follow(pl.concat([items, masses]).filter(over), frames["relations"], context.today)
    enough = pl.col("covered") >= _COVERED
    return (
        rows.group_by(*KEY, "month_start_date", "unit")
        .agg(
            value=pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").sum()),
            covered=pl.col("covered").min(),
        )
        .filter(enough & pl.col("value").is_not_null())
        .select(*SERIES)
        .sort(*KEY, "month_start_date")
    )


def _items(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    return rows.select(
        pl.lit(kind).alias("subject_kind"),
        "subject_id",
        pl.concat_str(pl.lit("item:"), "item_code").alias("metric_code"),
        "month_start_date",
        pl.col("quantity").alias("value"),
        "unit",
        pl.col("completeness_share").fill_null(1.0).alias("covered"),
    )


def _masses(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Outlets add up; how much of the month is known is weighed by what came of it."""
    weight = pl.col("mass_kg").abs().fill_null(0)
    covered = pl.col("completeness_share").fill_null(1.0)
    return rows.group_by(pl.lit(kind).alias("subject_kind"), "subject_id", pl.concat_str(pl.lit("mass:"), "pollutant_code").alias("metric_code"), "month_start_date").agg(
        value=pl.when(pl.col("mass_kg").is_not_null().all()).then(pl.col("mass_kg").sum()),
        unit=pl.lit("kg").first(),
        covered=pl.when(weight.sum() > 0).then((covered * weight).sum() / weight.sum()).otherwise(covered.mean()),
    )  # fmt: skip


def _follow(rows: pl.DataFrame, relations: pl.DataFrame, today: date) -> pl.DataFrame:
    past = relations.filter((pl.col("entity_kind") == "enterprise") & (pl.col("effective_date") <= today)).sort("effective_date")
    of_enterprise = pl.col("subject_kind") == "enterprise"
    for row in past.iter_rows(named=True):
        if row["relation"] == "split_from":
            is_one = of_enterprise & pl.col("subject_id").is_in([row["from_id"], row["to_id"]])
            rows = rows.filter(~is_one | (pl.col("month_start_date") >= first_whole_month(row["effective_date"])))
        else:
            is_one = of_enterprise & (pl.col("subject_id") == row["from_id"])
            rows = rows.with_columns(subject_id=pl.when(is_one).then(pl.lit(row["to_id"])).otherwise("subject_id"))
    return rows


def unbroken_tail(months: Sequence[date], values: Sequence[float]) -> tuple[date, np.ndarray]:
    """The last run of months without a gap: its first month and its values."""
    first = len(months) - 1
    while first > 0 and months_after(months[first - 1], 1) == months[first]:
        first -= 1
    return months[first], np.asarray(values[first:], dtype=float)


def load_shares(series: pl.DataFrame) -> pl.DataFrame:
    """Share of an enterprise in what all enterprises used or discharged of an item in their last twelve months, and whether it leads.

    Leading are the largest that together make up the share that is asked for.
    """
    of_enterprise = series.filter(pl.col("subject_kind") == "enterprise")
    last_year = of_enterprise.filter(pl.col("month_start_date").rank("dense", descending=True).over(KEY) <= YEAR)
    load = last_year.group_by(KEY).agg(load=pl.col("value").abs().sum())
    share = pl.col("load") / pl.col("load").sum().over("metric_code")
    return (
        load.with_columns(load_share=pl.when(share.is_finite()).then(share))
        .sort("metric_code", pl.col("load_share"), "subject_id", descending=[False, True, False], nulls_last=True)
        .with_columns(before=pl.col("load_share").cum_sum().over("metric_code") - pl.col("load_share"))
        .select(*KEY, "load_share", leads=(pl.col("before") < _LEADING_SHARE - 1e-9).fill_null(True))
    )


# -- one series ------------------------------------------------------------------------------------------------------------------------


def why_none(months: Sequence[date], values: Sequence[float], newest: date) -> tuple[str, str] | None:
    """Status and reason of a series that cannot be forecast; None where it can.

    Args:
        months: First days of its known months, in order.
        newest: The newest month that anything is known of the item.
    """
    _, tail = unbroken_tail(months, values)
    last = months[-1]
    if months_after(last, _ENDED_AFTER_MONTHS) < newest:
        return ENDED, f"its last known month is {last:%Y-%m}, the park's is {newest:%Y-%m}"
    if tail.size < YEAR:
        return TOO_SHORT, f"{tail.size} of {YEAR} months without a gap are known"
    if not tail[-YEAR:].any():
        return NOTHING, "it was 0 in every month of the last year"
    return None


def forecast(tail: np.ndarray) -> tuple[dict[str, Any], Path]:
    """Method, scores and forecast of a series that can be forecast."""
    scores, origins = back_test(tail)
    method, reason = SEASONAL_NAIVE, None
    if not scores:
        reason = f"{tail.size} months are too few to test a model on; {_FIT_MONTHS + _ORIGINS[-2]} are needed"
    elif _is_better(scores[SEASONAL_SES], scores[SEASONAL_NAIVE]):
        method = SEASONAL_SES
    else:
        reason = "the model did not beat last year's months on the series' own past"
    found = {"method": method, "reason": reason, "origins": origins}
    for name, short in ((SEASONAL_NAIVE, "naive"), (SEASONAL_SES, "model")):
        if name in scores:
            found |= {f"mase_{short}": scores[name].mase, f"smape_{short}_percent": scores[name].smape}
    return found, _FORECASTERS[method](tail, HORIZON)


def _is_better(model: Score, naive: Score) -> bool:
    return model.mase is not None and naive.mase is not None and model.mase < naive.mase


def inputs_hash(months: Sequence[date], values: Sequence[float]) -> str:
    """Of what a forecast depends on; sums of floats differ in their last digits with the order they were taken in."""
    text = "\x1e".join([VERSION, *(f"{month} {value:.9e}" for month, value in zip(months, values, strict=True))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- the method ------------------------------------------------------------------------------------------------------------------------


def look_ahead(frames: Frames, context: Context) -> Outcome:
    """Forecast the park's series and the leading ones of its enterprises; say of every other why it has no forecast."""
    series = known_months(frames, context)
    newest = dict(series.group_by("metric_code").agg(pl.col("month_start_date").max()).iter_rows())
    shares = {tuple(row[:3]): (row[3], row[4]) for row in load_shares(series).iter_rows()}
    kept = _Kept(frames["held_series"], frames["held_outlook"])
    grouped = {
        (kind, subject, metric): (months, values, unit)
        for kind, subject, metric, months, values, unit in series.group_by(KEY, maintain_order=True)
        .agg("month_start_date", "value", pl.col("unit").last())
        .iter_rows()
    }
    impossible = {key: why for key, (months, values, _) in grouped.items() if (why := why_none(months, values, newest[key[2]])) is not None}
    chosen = _chosen([key for key in grouped if key not in impossible], shares)
    of_series: list[dict[str, Any]] = []
    of_months: list[dict[str, Any]] = []
    fitted = 0
    for key, (months, values, unit) in grouped.items():
        share, leads = shares.get(key, (None, True))
        first, tail = unbroken_tail(months, values)
        row = dict(zip(KEY, key, strict=True)) | {
            "unit": unit, "load_share": share, "months_of_data": tail.size, "first_month": first, "last_month": months[-1], "origins": 0,
            "state": State.MISSING.value,
        }  # fmt: skip
        if key in impossible:
            of_series.append(row | dict(zip(("status", "reason"), impossible[key], strict=True)))
            continue
        if key not in chosen:
            reason = f"beyond the {_MOST_SERIES} series that a night forecasts" if leads else "outside the leading share of its item"
            of_series.append(row | {"status": NOT_CHOSEN, "reason": reason})
            continue
        digest = inputs_hash(months, values)
        row |= {"status": FORECAST, "inputs_hash": digest, "state": State.ESTIMATED.value}
        if (held := kept.of(key, digest)) is not None:
            of_series.append(held[0] | row | {"origins": held[0]["origins"]})
            of_months += held[1]
            continue
        fitted += 1
        found, path = forecast(tail)
        of_series.append(row | found)
        of_months += _months(row | found, path, is_signed=bool((tail < 0).any()))
    done = {OUTLOOK.name: _frame(of_months, OUTLOOK), OUTLOOK_SERIES.name: _frame(of_series, OUTLOOK_SERIES)}
    status = done[OUTLOOK_SERIES.name]["status"]
    return Outcome(
        done,
        f"{(status == FORECAST).sum()} of {status.len()} series forecast, {fitted} of them computed anew, "
        f"{(done[OUTLOOK_SERIES.name]['method'] == SEASONAL_SES).sum()} by the model that beat last year's months",
    )


def _chosen(
    keys: list[tuple[str, str, str]], shares: Mapping[tuple[str, str, str], tuple[float | None, bool]]
) -> set[tuple[str, str, str]]:
    """The park's own series first, then the leading enterprises by their share of the item."""
    of_park = [key for key in keys if key[0] == "park"]
    leading = [key for key in keys if key[0] == "enterprise" and shares[key][1]]
    leading.sort(key=lambda key: (-(shares[key][0] or 0), key))
    return {*of_park, *leading[: max(_MOST_SERIES - len(of_park), 0)]}


class _Kept:
    """Forecasts of the build before whose inputs are the same: they would come out the same, and are not made again."""

    def __init__(self, series: pl.DataFrame, months: pl.DataFrame) -> None:
        self._series = {tuple(row[name] for name in KEY): row for row in series.iter_rows(named=True)}
        self._months: dict[tuple, list[dict[str, Any]]] = {}
        for row in months.iter_rows(named=True):
            self._months.setdefault(tuple(row[name] for name in KEY), []).append(row)

    def of(self, key: tuple[str, str, str], digest: str) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        row = self._series.get(key)
        if row is None or row["inputs_hash"] != digest:
            return None
        months = self._months.get(key, [])
        return (row, months) if months else None


def _months(row: Mapping[str, Any], path: Path, is_signed: bool) -> list[dict[str, Any]]:
    """Rows of `outlook`; what never was negative does not become so."""
    floor = -np.inf if is_signed else 0.0
    low_80, high_80 = path.bounds(0.80)
    low_95, high_95 = path.bounds(0.95)
    columns = {"value": path.values, "lower_80": low_80, "upper_80": high_80, "lower_95": low_95, "upper_95": high_95}
    return [
        {name: row[name] for name in (*KEY, "unit", "method")}
        | {"month_start_date": months_after(row["last_month"], ahead + 1), "months_ahead": ahead + 1, "state": State.ESTIMATED.value}
        | {name: None if np.isnan(column[ahead]) else float(max(column[ahead], floor)) for name, column in columns.items()}
        for ahead in range(HORIZON)
    ]


_SUBJECT = (
    Column("subject_kind", TEXT, "park or enterprise.", required=True, allowed=("park", "enterprise")),
    Column("subject_id", TEXT, "Park or enterprise.", required=True),
    Column(
        "metric_code", TEXT, "`item:CODE` for what is consumed, `mass:CODE` for what is discharged (reference.parameter).", required=True
    ),
)
_UNIT = Column("unit", TEXT, "Unit of all quantities of the row.")
_METHOD = Column(
    "method",
    TEXT,
    "seasonal_naive (the same month of last year) or seasonal_ses (smoothing of the seasonally adjusted series).",
    allowed=(SEASONAL_NAIVE, SEASONAL_SES),
)
OUTLOOK = Result(
    "outlook",
    "One row per park or enterprise, item or pollutant and month to come",
    (*_SUBJECT, Column("month_start_date", DATE, "First local date of the month.", required=True)),
    (
        Column("value", NUMBER, "Forecast, in `unit`."),
        *(Column(f"{end}_{level}", NUMBER, f"{end.capitalize()} end of the {level} % prediction interval, in `unit`; null where too little is known for one.")
          for level in (80, 95) for end in ("lower", "upper")),
        _UNIT,
        Column("months_ahead", COUNT, "Months after the last known one.", required=True),
        _METHOD,
    ),
)  # fmt: skip
OUTLOOK_SERIES = Result(
    "outlook_series",
    "One row per park or enterprise and item or pollutant: whether it has a forecast, by what, and how that did on the past",
    _SUBJECT,
    (
        Column("status", TEXT, "forecast, too_short, ended, nothing (0 for a year), or not_chosen.", required=True, allowed=(FORECAST, TOO_SHORT, ENDED, NOTHING, NOT_CHOSEN)),
        Column("reason", TEXT, "Why there is no forecast, or why the model was not used."),
        _METHOD,
        Column("mase_naive", NUMBER, "Mean absolute scaled error of the same month of last year; scaled by the mean step from year to year before the back-test."),
        Column("mase_model", NUMBER, "The same of the model; it is used where this is smaller."),
        Column("smape_naive_percent", NUMBER, "Symmetric mean absolute percentage error of the same month of last year, 0 to 200 %."),
        Column("smape_model_percent", NUMBER, "The same of the model."),
        Column("origins", COUNT, "Points in the past from which both were tested; 0 where there is no back-test.", required=True),
        Column("months_of_data", COUNT, "Months up to the last known one without a gap.", required=True),
        Column("first_month", DATE, "First of them."),
        Column("last_month", DATE, "Last known month."),
        Column("load_share", NUMBER, "Share in what all enterprises used or discharged of it in the last twelve months; null for the park."),
        _UNIT,
        Column("inputs_hash", TEXT, "Of the months that the forecast rests on; one that rests on the same is not made again."),
    ),
)  # fmt: skip


def _frame(rows: list[dict[str, Any]], result: Result) -> pl.DataFrame:
    schema = {column.name: column.dtype for column in (*result.key, *result.columns)} | {"state": TEXT}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


def draw(axes: Any, frames: Frames) -> None:
    """The park's electricity to come with its 80 % interval, or the first series there is."""
    outlook = frames[OUTLOOK.name].filter(pl.col("subject_kind") == "park")
    if outlook.is_empty():
        return
    codes = outlook["metric_code"].unique().sort().to_list()
    code = "item:electricity" if "item:electricity" in codes else codes[0]
    shown = outlook.filter(pl.col("metric_code") == code).sort("month_start_date")
    axes.plot(shown["month_start_date"], shown["value"], color="tab:blue")
    if shown["lower_80"].null_count() == 0:
        axes.fill_between(shown["month_start_date"], shown["lower_80"], shown["upper_80"], alpha=0.3)
    axes.set_ylabel(f"{code}, {shown['unit'][0]}")


_CONSUMPTION = "item_code, month_start_date, quantity, unit, completeness_share"
_EMISSION = "pollutant_code, month_start_date, mass_kg, completeness_share"
LOOKING_AHEAD = Method(
    name="outlook",
    version=VERSION,
    description="Consumption and emission of the coming year, with prediction intervals and a back-test (趋势预测).",
    reads={
        "consumption": Source.of("marts.enterprise_consumption_monthly", f"enterprise_id, process_id, {_CONSUMPTION}"),
        "park_consumption": Source.of("marts.park_consumption_monthly", _CONSUMPTION),
        "emission": Source.of("marts.enterprise_emission_monthly", f"enterprise_id, counts_in_enterprise_total, {_EMISSION}"),
        "park_emission": Source.of("marts.park_emission_monthly", _EMISSION),
        "relations": Source.of("staging.stg_entity_relations", RELATIONS),
        # its own results of the build before
        "held_series": Source.of("assessment.outlook_series", ", ".join((*(c.name for c in (*OUTLOOK_SERIES.key, *OUTLOOK_SERIES.columns)), "state"))),
        "held_outlook": Source.of("assessment.outlook", ", ".join((*(c.name for c in (*OUTLOOK.key, *OUTLOOK.columns)), "state"))),
    },
    results=(OUTLOOK, OUTLOOK_SERIES),
    run=look_ahead,
    plot=draw,
)  # fmt: skip
