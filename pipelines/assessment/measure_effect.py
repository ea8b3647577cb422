"""Verified effect of measures (措施效果验证): what a measure's meters say it saved, how surely, or why that cannot be told.

A baseline regression of each meter on what drives it (IPMVP option C, or B on a sub-meter) gives what would have been used without
the measure; that less what was used is the saving. A model that a rule set refuses is kept with its reason, a negative saving is a
result, and "not verifiable" is one too. Statistics stand in `regression`, series in `measure_series`; what a measure should bring
in money stands in `measure_economics`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from pipelines.assessment.lineage import RELATIONS
from pipelines.assessment.measure_classes import class_shares
from pipelines.assessment.measure_clusters import Acting, Cluster, clusters, split
from pipelines.assessment.measure_series import (
    DAY,
    MONTH,
    Inputs,
    Series,
    driver_series,
    first_whole_month,
    meter_series,
    month_of,
    months_after,
    period_end,
)
from pipelines.assessment.measure_tables import (
    BASELINE,
    LATER,
    MEASURE_ADJUSTMENT,
    MEASURE_CLASS_SHARE,
    MEASURE_EFFECT,
    MEASURE_EFFECT_PERIOD,
    MEASURE_MODEL_ACCEPTANCE,
    MEASURE_MODEL_TERM,
    NEGATIVE,
    NOT_VERIFIABLE,
    PLACES,
    REPORTING,
    VERIFIED,
)
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.regression import (
    OUTSIDE,
    REGRESSION,
    Acceptance,
    BaselineModel,
    NoModel,
    Saving,
    finite,
    fit_baseline,
    judge,
    place,
    savings,
)
from pipelines.contracts.states import State, VerificationStatus
from pipelines.contracts.units import UnitError, Units

NO_METER = "-"
"""Stands for point and parameter of a measure that no meter is registered for."""

# -- rules -----------------------------------------------------------------------------------------------------------------------------

_WEAKEST_LAST = tuple(word.value for word in VerificationStatus)


@dataclass(frozen=True)
class Rules:
    """Rule sets in force, and what all of them share."""

    rows: list[dict[str, Any]]
    settings: Mapping[str, float]
    deciding: str

    @classmethod
    def of(cls, rows: pl.DataFrame, on: date) -> "Rules":
        """Rows valid on a day. A park's own row replaces the shipped one of its id; its own deciding set goes before the shipped.

        Raises:
            ValueError: a setting is lacking, or no set decides.
        """
        holds = (pl.col("valid_from") <= on) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > on))
        is_own = pl.col("origin") == "park"
        rows = rows.filter(holds).sort(is_own, descending=True).unique("rule_id", keep="first", maintain_order=True).sort("rule_id")
        settings = dict(rows.filter(pl.col("purpose") == "measurement").select("statistic", "value").iter_rows())
        if lacking := sorted(_SETTINGS - settings.keys()):
            raise ValueError(f"reference.mv_rule: on {on} rule set `measurement` lacks {', '.join(lacking)}")
        decides = rows.filter(pl.col("decides") & (pl.col("purpose") == REGRESSION)).sort(is_own, "rule_set", descending=[True, False])
        if decides.is_empty():
            raise ValueError(f"reference.mv_rule: on {on} no rule set for regressions has decides = true")
        return cls(rows.to_dicts(), settings, decides["rule_set"][0])

    def verification(self, rule_set: str) -> str:
        statuses = [row["verification_status"] for row in self.rows if row["rule_set"] in (rule_set, "measurement")]
        return max(statuses, key=_WEAKEST_LAST.index)


_SETTINGS = {
    "fsu_factor", "coverage", "baseline_months", "baseline_days", "reporting_months", "reporting_days", "reporting_months_used",
    "driver_window_sigma", "decision_confidence", "detectable_share",
}  # fmt: skip

# -- one meter -------------------------------------------------------------------------------------------------------------------------


@dataclass
class Verification:
    """What was found on one meter for a cluster of measures; the parts that could not be found stay null."""

    resolution: str = MONTH
    unit: str | None = None
    meter_source: str | None = None
    windows: dict[str, tuple[date, date]] = field(default_factory=dict)
    periods: list[dict[str, Any]] = field(default_factory=list)
    drivers: dict[str, Series] = field(default_factory=dict)
    adjustments: list[dict[str, Any]] = field(default_factory=list)
    model: BaselineModel | None = None
    saving: Saving | None = None
    acceptances: list[Acceptance] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    reporting_means: dict[str, float] = field(default_factory=dict)
    naive_saving: float | None = None
    reasons: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def used(self, role: str) -> list[dict[str, Any]]:
        return [row for row in self.periods if row["role"] == role and row["excluded_because"] is None]


def verify(
    cluster: Cluster, meter: tuple[str, str], inputs: Inputs, events: pl.DataFrame, rules: Rules, units: Units, today: date
) -> Verification:
    """Verify a cluster on its meter: by months, or by days where there are too few months and every driver is known by the day."""
    monthly = _verify_at(MONTH, cluster, meter, inputs, events, rules, units, today)
    if monthly.model is not None or not _too_short(monthly, rules):
        return monthly
    daily = _verify_at(DAY, cluster, meter, inputs, events, rules, units, today)
    return daily if daily.model is not None else monthly


def _too_short(found: Verification, rules: Rules) -> bool:
    return (
        len(found.used(BASELINE)) < rules.settings["baseline_months"] * rules.settings["coverage"]
        or len(found.used(REPORTING)) < rules.settings["reporting_months"]
    )


def _verify_at(
    resolution: str, cluster: Cluster, meter: tuple[str, str], inputs: Inputs, events: pl.DataFrame, rules: Rules, units: Units, today: date
) -> Verification:
    found = Verification(resolution)
    point_id, parameter_code = meter
    series = meter_series(inputs, point_id, parameter_code, resolution, today)
    if series is None:
        found.reasons.append(f"nothing is known of {parameter_code} at {point_id}")
        return found
    found.unit, found.meter_source = series.unit, series.source
    found.windows = _windows(cluster, resolution, series.frame["period_start"].min(), rules, today)
    codes = sorted({code for one in cluster.measures for code in (one.driver_code or "").split()})
    if len({one.driver_code for one in cluster.measures}) > 1:
        found.warnings.append(f"the measures name different drivers; all of them are in the model: {', '.join(codes)}")
    owner = cluster.measures[0].measure
    for code in codes:
        driver = driver_series(inputs, code, owner["enterprise_id"], owner["process_id"], resolution, today)
        if isinstance(driver, str):
            found.reasons.append(driver)
        else:
            found.drivers[code] = driver
    if not codes:
        found.reasons.append("no driver is registered for the meter: nothing says what its quantity depends on")
    found.periods = _periods(found, series, resolution, today)
    _adjust(found, _events_of(events, cluster, meter), units, today)
    _compare_naively(found)
    if not found.reasons:
        _model(found, rules)
    return found


def _windows(cluster: Cluster, resolution: str, first_known: date, rules: Rules, today: date) -> dict[str, tuple[date, date]]:
    """Baseline, reporting period and the time after it, each with its first day and the first day after.

    The baseline is the registered one of the measure that begins first, else the year before its works as far as the meter knows it;
    it reaches neither into works nor into what acted before. Reporting begins with operation and ends with what acts next.
    """
    first = min(cluster.measures, key=lambda one: (one.begins, one.measure_id)).measure
    end = min(first["baseline_end"] or cluster.begins, cluster.begins)
    start = first["baseline_start"] or max(months_after(end, -int(rules.settings["baseline_months"])), first_known)
    if cluster.after is not None:
        start = max(start, cluster.after)
    operating, until = cluster.completed, min(cluster.until or today, today)
    if resolution == MONTH:
        start, end, operating, until = first_whole_month(start), month_of(end), first_whole_month(operating), month_of(until)
    shown_until = max(operating, until)
    used_until = min(shown_until, months_after(first_whole_month(operating), int(rules.settings["reporting_months_used"])))
    return {BASELINE: (start, end), REPORTING: (operating, used_until), LATER: (used_until, shown_until)}


def _periods(found: Verification, series: Series, resolution: str, today: date) -> list[dict[str, Any]]:
    """Every period of the windows with meter and drivers, and why one of them is not used."""
    known = {row["period_start"]: row for row in series.frame.iter_rows(named=True)}
    drivers = {code: dict(driver.frame.select("period_start", "value").iter_rows()) for code, driver in found.drivers.items()}
    rows = []
    for role, (start, end) in found.windows.items():
        at = start
        while at < end and period_end(at, resolution) <= today:
            meter = known.get(at)
            values = {code: by_period.get(at) for code, by_period in drivers.items()}
            reason = None
            if meter is None:
                reason = "nothing came from the meter"
            elif meter["value"] is None:
                reason = f"the meter covers {meter['coverage']:.0%} of it"
            elif lacking := [code for code, value in values.items() if value is None]:
                reason = f"{', '.join(lacking)} is not known"
            rows.append(
                {
                    "role": role, "period_start": at, "period_end": period_end(at, resolution), "excluded_because": reason, "drivers": values,
                    "quantity": meter and meter["value"], "coverage_share": meter and meter["coverage"], "measured": meter and meter["measured"],
                    "adjustment": 0.0, "modelled": None,
                }
            )  # fmt: skip
            at = period_end(at, resolution)
    return rows


# -- non-routine events ----------------------------------------------------------------------------------------------------------------


def _events_of(events: pl.DataFrame, cluster: Cluster, meter: tuple[str, str]) -> list[dict[str, Any]]:
    """Non-routine events of the measures or of the point, as far as they are about this parameter."""
    names = [one.measure_id for one in cluster.measures]
    about = pl.col("related_id").is_in(names) | ((pl.col("subject_kind") == "point") & (pl.col("subject_id") == meter[0]))
    elsewhere = (pl.col("subject_kind") == "point") & (pl.col("subject_id") != meter[0])
    same = pl.col("parameter_code").is_null() | (pl.col("parameter_code") == meter[1])
    chosen = events.filter((pl.col("event_kind") == "non_routine") & about & ~elsewhere & same)
    return chosen.sort("occurred_on", "event_id").to_dicts()


def _adjust(found: Verification, events: list[dict[str, Any]], units: Units, today: date) -> None:
    """Take events into the periods that they touch: an amount per day as an adjustment; without an amount the period is left out."""
    for event in events:
        first, end = event["occurred_on"], event["ended_on"] or today
        per_day, why_none = _per_day(event, found.unit, units)
        touched = dict.fromkeys(found.windows, 0)
        for row in found.periods:
            days = (min(end, row["period_end"]) - max(first, row["period_start"])).days
            if days <= 0:
                continue
            touched[row["role"]] += days
            if per_day is None:
                row["excluded_because"] = row["excluded_because"] or f"event {event['event_id']}: {why_none}"
            else:
                row["adjustment"] += per_day * days
        if not any(touched.values()):
            continue
        found.adjustments.append(
            {
                "event_id": event["event_id"], "occurred_on": first, "ended_on": event["ended_on"], "quantity_per_day": per_day,
                "baseline_days": touched[BASELINE], "reporting_days": touched[REPORTING], "not_adjusted_because": why_none,
                "evidence_sha256": event["evidence_sha256"], "note": event["note"],
            }
        )  # fmt: skip
        if event["evidence_sha256"] is None:
            found.warnings.append(f"non-routine event {event['event_id']} has no evidence")


def _per_day(event: Mapping[str, Any], unit: str | None, units: Units) -> tuple[float | None, str | None]:
    if event["quantity"] is None:
        return None, "nobody said what it amounts to"
    if event["unit"] is None or unit is None:
        return None, "its amount has no unit"
    try:
        scale, offset = units.convert(event["unit"], unit)
    except UnitError as error:
        return None, str(error)
    return event["quantity"] * scale + offset, None


# -- model and saving ------------------------------------------------------------------------------------------------------------------


def _compare_naively(found: Verification) -> None:
    """Before less after, per period and without any driver: what the saving is often mistaken for."""
    before = [row["quantity"] for row in found.periods if row["role"] == BASELINE and row["quantity"] is not None]
    after = [row["quantity"] for row in found.periods if row["role"] == REPORTING and row["quantity"] is not None]
    if before and after:
        found.naive_saving = sum(before) / len(before) * len(after) - sum(after)


def _model(found: Verification, rules: Rules) -> None:
    """Fit, apply and judge; what stops it is a reason of `found`."""
    before, after = found.used(BASELINE), found.used(REPORTING)
    found.reasons += _why_too_short(found, before, after, rules)
    if found.reasons:
        return
    codes = list(found.drivers)
    try:
        model = fit_baseline(
            [row["quantity"] - row["adjustment"] for row in before], {code: [row["drivers"][code] for row in before] for code in codes}
        )
    except NoModel as error:
        found.reasons.append(str(error))
        return
    given = {code: [row["drivers"][code] for row in after] for code in codes}
    for rows in (before, after, found.used(LATER)):
        values = model.predict({code: [row["drivers"][code] for row in rows] for code in codes})
        for row, value in zip(rows, values, strict=True):
            row["modelled"] = float(value)
    factor = rules.settings["fsu_factor"]
    saving = savings(model, [row["quantity"] for row in after], given, factor, sum(row["adjustment"] for row in after))
    found.model, found.saving = model, saving
    found.acceptances = judge(model, saving, factor, rules.rows, found.resolution, len(after), _months_between(*found.windows[REPORTING]))
    found.reporting_means = {code: sum(values) / len(values) for code, values in given.items()}
    found.places = {
        term.name: place(term, found.reporting_means[term.name], rules.settings["driver_window_sigma"]) for term in model.drivers
    }
    for term in model.drivers:
        if found.places[term.name] == OUTSIDE:
            found.reasons.append(
                f"{term.name} averages {found.reporting_means[term.name]:.6g} in the reporting period; the baseline saw {term.minimum:.6g} to "
                f"{term.maximum:.6g}, mean {term.mean:.6g}: too far off for the model"
            )
        if term.coefficient < 0:
            found.warnings.append(f"more {term.name} goes with less: look at the driver before relying on the model")
    refused = next((each for each in found.acceptances if each.rule_set == rules.deciding and not each.accepted), None)
    if refused is not None:
        found.reasons.append(f"rule set {refused.rule_set} does not accept the model: {'; '.join(refused.failed)}")
    if not found.reasons and (why := _why_untold(found, len(after), rules)) is not None:
        found.reasons.append(why)


def _why_untold(found: Verification, points: int, rules: Rules) -> str | None:
    """Why a saving cannot be told from nothing: by the scatter of the model, or because it is smaller than plants drift."""
    model, saving, confidence = found.model, found.saving, rules.settings["decision_confidence"]
    width = model.half_width(saving.modelled, points, confidence, rules.settings["fsu_factor"])
    if abs(saving.saving) <= width:
        return f"at {confidence:.0%} confidence the saving of {saving.saving:.6g} {found.unit} ± {width:.6g} cannot be told from nothing"
    least = rules.settings["detectable_share"]
    if saving.share is not None and abs(saving.share) < least:
        return (
            f"the saving is {saving.share:.1%} of the meter's adjusted baseline; below {least:.0%} a regression does not tell it from drift"
        )
    return None


def _months_between(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month


def _why_too_short(found: Verification, before: list[dict], after: list[dict], rules: Rules) -> list[str]:
    word = found.resolution + "s"
    asked, least, coverage = rules.settings[f"baseline_{word}"], rules.settings[f"reporting_{word}"], rules.settings["coverage"]
    span = {role: sum(row["role"] == role for row in found.periods) for role in (BASELINE, REPORTING)}
    reasons = []
    if span[BASELINE] < asked:
        reasons.append(f"the baseline has {span[BASELINE]} of {asked:g} {word}")
    elif len(before) < coverage * span[BASELINE]:
        reasons.append(f"the baseline has {len(before)} usable {word} of {span[BASELINE]}{_why_not_usable(found, BASELINE)}")
    if len(after) < least:
        since = found.windows[REPORTING][0]
        reasons.append(
            f"in operation since {since}: {len(after)} usable {word} of {span[REPORTING]}, {least:g} are needed{_why_not_usable(found, REPORTING)}"
        )
    return reasons


def _why_not_usable(found: Verification, role: str) -> str:
    why = sorted({row["excluded_because"] for row in found.periods if row["role"] == role and row["excluded_because"] is not None})
    return f" ({'; '.join(why)})" if why else ""


# -- rows ------------------------------------------------------------------------------------------------------------------------------


def effect_row(acting: Acting, cluster: Cluster, meter: tuple[str, str], found: Verification, rules: Rules, units: Units) -> dict[str, Any]:
    """One row of `measure_effect`."""
    shares, rule, why_not_split = split(cluster.measures)
    share = shares.get(acting.measure_id)
    before, after = found.used(BASELINE), found.used(REPORTING)
    reasons = [*found.reasons, *([why_not_split] if why_not_split else [])]
    row = _identity(acting.measure, meter) | {
        "unit": found.unit,
        "meter_source": found.meter_source,
        "resolution": found.resolution,
        **_bounds(found, BASELINE),
        **_bounds(found, REPORTING),
        "baseline_periods": len(before),
        "reporting_periods": len(after),
        "actual_quantity": sum(row["quantity"] for row in after) if after else None,
        "naive_saving_quantity": found.naive_saving,
        "adjustment_quantity": sum(row["adjustment"] for row in after) if after else None,
        "overlapping_measures": [one.measure_id for one in cluster.measures if one is not acting],
        "split_rule": rule,
        "share": share,
        "rule_set": rules.deciding,
        "verification_status": rules.verification(rules.deciding),
        "warnings": found.warnings,
        "measured_share": _measured_share([*before, *after]),
        "decision": NOT_VERIFIABLE,
        "not_verifiable_because": reasons or None,
        "state": State.MISSING.value,
    } | _intensity(found, before, after)  # fmt: skip
    if found.model is None:
        return row
    model, saving = found.model, found.saving
    row |= {
        "r2": model.r2, "adjusted_r2": model.adjusted_r2, "rmse": model.rmse, "cv_rmse": model.cv_rmse, "nmbe": model.nmbe, "model_p": finite(model.model_p),
        "autocorrelation": model.autocorrelation, "effective_points": model.effective_points,
        "model_accepted": next((each.accepted for each in found.acceptances if each.rule_set == rules.deciding), None),
        "applicability": max(found.places.values(), key=PLACES.index),
        "adjusted_baseline_quantity": saving.adjusted_baseline, "meter_saving_quantity": saving.saving, "meter_saving_share": saving.share,
        "state": State.ESTIMATED.value,
    }  # fmt: skip
    for level, width in saving.half_widths.items():
        name = f"{level * 100:.0f}"
        if share is not None:
            row[f"saving_lower_{name}"], row[f"saving_upper_{name}"] = (
                finite(share * (saving.saving - width)),
                finite(share * (saving.saving + width)),
            )
    row["uncertainty_share_90"] = finite(saving.uncertainty(saving.half_widths[0.90]))
    if reasons:
        return row
    in_a_year = 12 / len(after) if found.resolution == MONTH else 365 / len(after)
    row |= {
        "decision": VERIFIED if saving.saving > 0 else NEGATIVE,
        "saving_quantity": share * saving.saving,
        "annual_saving_quantity": share * saving.saving * in_a_year,
    }
    row["kept_share"] = _kept_share(acting.measure, meter[1], row["annual_saving_quantity"], found.unit, units)
    return row


def _bounds(found: Verification, role: str) -> dict[str, date | None]:
    start, end = found.windows.get(role, (None, None))
    return {f"{role}_start": start, f"{role}_end": end}


def _identity(measure: Mapping[str, Any], meter: tuple[str, str]) -> dict[str, Any]:
    carried = ("measure_id", "enterprise_id", "measure_class", "completed_on", "promised_item", "promised_quantity")
    return {name: measure[name] for name in carried} | {"promised_unit": measure["unit"], "point_id": meter[0], "parameter_code": meter[1]}


def _measured_share(rows: list[dict[str, Any]]) -> float | None:
    known = [row for row in rows if row["measured"] is not None]
    size = sum(abs(row["quantity"]) for row in known)
    return sum(abs(row["quantity"]) * row["measured"] for row in known) / size if size else None


def _intensity(found: Verification, before: list[dict], after: list[dict]) -> dict[str, float | None]:
    """Quantity per unit of the one driver, before and after; it overstates a saving where there is a base load."""
    if len(found.drivers) != 1 or not before or not after:
        return {}
    (code,) = found.drivers
    sides = [(sum(row["quantity"] for row in rows), sum(row["drivers"][code] for row in rows)) for rows in (before, after)]
    if not all(driven for _, driven in sides):
        return {}
    was, became = (quantity / driven for quantity, driven in sides)
    return {"intensity_baseline": was, "intensity_reporting": became, "intensity_change_share": became / was - 1 if was else None}


def _kept_share(measure: Mapping[str, Any], parameter_code: str, annual: float, unit: str | None, units: Units) -> float | None:
    """Verified over promised, where the promise is about the meter's own item and in a unit that converts."""
    promised = measure["promised_quantity"]
    if measure["promised_item"] != parameter_code or not promised or measure["unit"] is None or unit is None:
        return None
    try:
        scale, _ = units.convert(measure["unit"], unit)
    except UnitError:
        return None
    return annual / (promised * scale)


def without_meter(measure: Mapping[str, Any], reason: str, rules: Rules) -> dict[str, Any]:
    """The row of an implemented measure that nothing can be said of."""
    return _identity(measure, (NO_METER, NO_METER)) | {
        "decision": NOT_VERIFIABLE, "not_verifiable_because": [reason], "state": State.MISSING.value, "rule_set": rules.deciding,
        "verification_status": rules.verification(rules.deciding), "warnings": [], "overlapping_measures": [], "baseline_periods": 0,
        "reporting_periods": 0, "split_rule": "alone",
    }  # fmt: skip


# -- the method ------------------------------------------------------------------------------------------------------------------------

_OF_METERS = (MEASURE_EFFECT, MEASURE_MODEL_TERM, MEASURE_MODEL_ACCEPTANCE, MEASURE_EFFECT_PERIOD, MEASURE_ADJUSTMENT)


def verify_measures(frames: Frames, context: Context) -> Outcome:
    """Verify every implemented measure on every meter it acts on."""
    rules, units = Rules.of(frames["rules"], context.today), context.units
    inputs = Inputs(
        frames["quantities"], frames["production"], frames["consumption"], frames["emission"], frames["points"], frames["relations"],
        rules.settings["coverage"],
    )  # fmt: skip
    implemented = {
        row["measure_id"]: row
        for row in frames["measures"].filter(pl.col("status") == "implemented").sort("measure_id").iter_rows(named=True)
    }
    rows: dict[str, list[dict[str, Any]]] = {result.name: [] for result in _OF_METERS}
    under_way = dict(frames["measures"].filter(pl.col("status") == "in_progress").select("measure_id", "started_on").iter_rows())
    by_meter: dict[tuple[str, str], list[Acting]] = {}
    works: dict[tuple[str, str], list[date]] = {}
    for link in _links(frames["meters"], context.today):
        meter, measure = (link["point_id"], link["parameter_code"]), implemented.get(link["measure_id"])
        if measure is not None and measure["completed_on"] is not None:
            by_meter.setdefault(meter, []).append(Acting(measure, link["share"], link["driver_code"]))
        elif (began := under_way.get(link["measure_id"])) is not None:
            works.setdefault(meter, []).append(began)
    months_apart = int(rules.settings["baseline_months"])
    for meter, acting in sorted(by_meter.items()):
        for cluster in clusters(acting, months_apart, works.get(meter, ())):
            found = verify(cluster, meter, inputs, frames["events"], rules, units, context.today)
            for one in cluster.measures:
                _add(rows, one, cluster, meter, found, rules, units)
    seen = {row["measure_id"] for row in rows[MEASURE_EFFECT.name]}
    for measure_id, measure in implemented.items():
        if measure_id not in seen:
            reason = (
                "nobody said when it was completed" if measure["completed_on"] is None else "no meter is registered for it (measure_meter)"
            )
            rows[MEASURE_EFFECT.name].append(without_meter(measure, reason, rules))
    done = {result.name: _frame(rows[result.name], result) for result in _OF_METERS}
    effects = _counting(done[MEASURE_EFFECT.name], frames["meter_links"])
    done[MEASURE_EFFECT.name] = effects
    totals = dict(context.standards.seed("parameters").select("parameter_code", "total_unit").iter_rows())
    done[MEASURE_CLASS_SHARE.name] = class_shares(effects, frames["measures"], totals, units, context.park_id)
    counts = {decision: (effects["decision"] == decision).sum() for decision in (VERIFIED, NEGATIVE, NOT_VERIFIABLE)}
    return Outcome(
        done,
        f"{len(implemented)} implemented measures on {len(by_meter)} meters: {counts[VERIFIED]} effects verified, {counts[NEGATIVE]} negative, "
        f"{counts[NOT_VERIFIABLE]} not verifiable",
        tuple(
            f"measure {row['measure_id']} at {row['point_id']}: {text}"
            for row in effects.sort("measure_id", "point_id", "parameter_code").iter_rows(named=True)
            for text in row["warnings"]
        ),
    )


def _links(meters: pl.DataFrame, today: date) -> list[dict[str, Any]]:
    """Meters of measures as the register last named them; rows that begin later are none yet."""
    begun = meters.filter(pl.col("valid_from") <= today).sort("measure_id", "point_id", "parameter_code", "valid_from")
    return begun.unique(["measure_id", "point_id", "parameter_code"], keep="last", maintain_order=True).to_dicts()


def _add(
    rows: dict[str, list[dict[str, Any]]],
    acting: Acting,
    cluster: Cluster,
    meter: tuple[str, str],
    found: Verification,
    rules: Rules,
    units: Units,
) -> None:
    key = {"measure_id": acting.measure_id, "point_id": meter[0], "parameter_code": meter[1]}
    rows[MEASURE_EFFECT.name].append(effect_row(acting, cluster, meter, found, rules, units))
    state = {"state": State.ESTIMATED.value}
    for term in found.model.terms if found.model else ():
        driver = found.drivers.get(term.name)
        rows[MEASURE_MODEL_TERM.name].append(
            key | state | {
                "term": term.name, "coefficient": term.coefficient, "standard_error": finite(term.standard_error), "t": finite(term.t), "p": finite(term.p),
                "driver_source": driver and driver.source, "driver_unit": driver and driver.unit, "baseline_min": term.minimum, "baseline_max": term.maximum,
                "baseline_mean": term.mean, "baseline_deviation": term.deviation, "reporting_mean": found.reporting_means.get(term.name),
                "applicability": found.places.get(term.name),
            }
        )  # fmt: skip
    for each in found.acceptances:
        rows[MEASURE_MODEL_ACCEPTANCE.name].append(
            key | state | {
                "rule_set": each.rule_set, "accepted": each.accepted, "failed": list(each.failed), "decides": each.rule_set == rules.deciding,
                "verification_status": rules.verification(each.rule_set),
            }
        )  # fmt: skip
    for row in found.periods:
        is_usable = row["modelled"] is not None
        rows[MEASURE_EFFECT_PERIOD.name].append(
            key | {
                "period_start": row["period_start"], "role": row["role"], "period_end": row["period_end"], "quantity": row["quantity"], "unit": found.unit,
                "driver_values": [_shown(code, value, found.drivers[code].unit) for code, value in row["drivers"].items()],
                "modelled_quantity": row["modelled"], "adjustment_quantity": row["adjustment"],
                "saving_quantity": row["modelled"] + row["adjustment"] - row["quantity"] if is_usable and row["role"] != BASELINE else None,
                "coverage_share": row["coverage_share"], "excluded_because": row["excluded_because"],
                "state": State.MISSING.value if row["quantity"] is None else State.MEASURED.value,
            }
        )  # fmt: skip
    for event in found.adjustments:
        rows[MEASURE_ADJUSTMENT.name].append(key | event | {"unit": found.unit, "state": State.ESTIMATED.value})


def _shown(code: str, value: float | None, unit: str | None) -> str:
    return f"{code} = {'not known' if value is None else f'{value!r} {unit or str()}'.strip()}"


def _counting(effects: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """A meter above another that the measure also names counts the same saving again: only the lowest add up."""
    parents = dict.fromkeys(links["point_id"].to_list(), ())
    for point, parent in links.select("point_id", "parent_point_id").iter_rows():
        parents[point] = (*parents[point], parent)
    named: dict[tuple[str, str], set[str]] = {}
    for measure, point, parameter in effects.select("measure_id", "point_id", "parameter_code").iter_rows():
        named.setdefault((measure, parameter), set()).add(point)
    above = {
        (measure, parameter, upper)
        for (measure, parameter), points in named.items()
        for point in points
        for upper in _ancestors(point, parents) & points
    }
    key = effects.select("measure_id", "parameter_code", "point_id").rows()
    return effects.with_columns(counts_in_total=pl.Series([row not in above for row in key], dtype=pl.Boolean))


def _ancestors(point: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [point]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in found and parent != point:
                found.add(parent)
                waiting.append(parent)
    return found


def _frame(rows: list[dict[str, Any]], result: Result) -> pl.DataFrame:
    schema = {column.name: column.dtype for column in (*result.key, *result.columns)} | {"state": pl.String}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


def draw(axes: Any, frames: Frames) -> None:
    """Verified and negative effects as shares of their meters' baselines, with 90 % intervals."""
    shown = frames[MEASURE_EFFECT.name].filter(pl.col("meter_saving_share").is_not_null()).sort("measure_id", "point_id").tail(20)
    baseline = shown["adjusted_baseline_quantity"] * shown["share"].fill_null(1.0)
    value = (shown["meter_saving_share"] * 100).to_list()
    lower, upper = (((shown[f"saving_{end}_90"] / baseline) * 100).fill_null(float("nan")).to_list() for end in ("lower", "upper"))
    reach = [[max(v - low, 0) for v, low in zip(value, lower, strict=True)], [max(up - v, 0) for v, up in zip(value, upper, strict=True)]]
    colours = [{VERIFIED: "tab:green", NEGATIVE: "tab:red"}.get(decision, "lightgrey") for decision in shown["decision"]]
    names = [f"{measure} {parameter}" for measure, parameter in shown.select("measure_id", "parameter_code").iter_rows()]
    axes.barh(names, value, xerr=reach, color=colours)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("saving of the meter, % of its adjusted baseline, with 90 % interval")


EFFECT = Method(
    name="measure_effect",
    version="1",
    description="Verified effect of implemented measures by baseline regression, with uncertainty (措施效果验证).",
    reads={
        "measures": Source.of(
            "staging.stg_measures",
            "measure_id, enterprise_id, process_id, measure_class, status, annual_saving_cny, promised_item, promised_quantity, unit, started_on, "
            "completed_on, baseline_start, baseline_end",
        ),
        "meters": Source.of("staging.stg_measure_meters", "measure_id, point_id, parameter_code, share, driver_code, valid_from, valid_to"),
        "events": Source.of(
            "staging.stg_events",
            "event_id, event_kind, subject_kind, subject_id, occurred_on, ended_on, quantity, unit, parameter_code, related_id, evidence_sha256, note",
        ),
        "relations": Source.of("staging.stg_entity_relations", RELATIONS),
        "points": Source.of("staging.stg_points", "point_id, enterprise_id, outlet_id, process_id"),
        "meter_links": Source.of("staging.stg_meter_links", "point_id, parent_point_id"),
        "quantities": Source.of(
            "intermediate.int_measure_quantities",
            "point_id, parameter_code, period_start, period_end, quantity, measured_quantity, mean_value, hours_covered, hours_expected, unit, basis",
        ),
        "production": Source.of(
            "marts.enterprise_production_monthly", "enterprise_id, product_code, month_start_date, quantity, unit, completeness_share, state"
        ),
        "consumption": Source.of(
            "marts.enterprise_consumption_monthly",
            "enterprise_id, process_id, item_code, month_start_date, quantity, unit, measured_share, completeness_share",
        ),
        "emission": Source.of(
            "marts.enterprise_emission_monthly", "outlet_id, pollutant_code, month_start_date, mass_kg, measured_kg, completeness_share"
        ),
        "rules": Source.of(
            "reference.mv_rule",
            "rule_id, rule_set, purpose, statistic, operator, value, confidence, resolution, post_months_from, post_months_to, decides, valid_from, "
            "valid_to, verification_status, origin",
        ),
    },
    results=(*_OF_METERS, MEASURE_CLASS_SHARE),
    run=verify_measures,
    plot=draw,
)  # fmt: skip
