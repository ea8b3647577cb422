"""Baseline regressions: a meter's quantity on what drives it, the statistics they are judged by, and savings with their uncertainty.

Formulas follow IPMVP option C and ASHRAE Guideline 14 (reporting: fractional savings uncertainty). Limits that a model must keep
are rows of reference.mv_rule; which meter, which months and which drivers belong together is decided in `measure_effect`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, sqrt

import numpy as np

CONSTANT = "constant"
CONFIDENCES = (0.68, 0.90, 0.95)
"""Two-sided confidences that a saving is published with."""


class NoModel(ValueError):
    """There is nothing to regress; the message says why."""


@dataclass(frozen=True)
class ModelTerm:
    """One coefficient and, of a driver, what the baseline saw of it. Statistics are null where there is no scatter to judge by."""

    name: str
    coefficient: float
    standard_error: float
    t: float
    p: float
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class BaselineModel:
    """An ordinary least-squares fit E = b0 + b1 x1 + … and how good it is.

    Attributes:
        points: Periods n that it was fitted to.
        mean: Mean quantity of a period.
        rmse: sqrt(sum of squared residuals / (n - p - 1)), p the number of drivers, in the meter's unit.
        nmbe: Sum of residuals / ((n - p - 1) x mean); 0 within the sample by construction.
        net_determination_bias: Sum of residuals over sum of quantities.
        model_p: Of the F test against the mean alone.
        autocorrelation: Of residuals with those of the period before (lag 1).
        effective_points: n' = n (1 - rho) / (1 + rho), at most n.
    """

    terms: tuple[ModelTerm, ...]
    points: int
    mean: float
    r2: float
    adjusted_r2: float
    rmse: float
    nmbe: float
    net_determination_bias: float
    model_p: float
    autocorrelation: float
    effective_points: float

    @property
    def drivers(self) -> tuple[ModelTerm, ...]:
        return self.terms[1:]

    @property
    def degrees_of_freedom(self) -> int:
        return self.points - len(self.terms)

    @cached_property
    def cv_rmse(self) -> float:
        """RMSE over the mean, a share of one."""
        return self.rmse / self.mean

    def predict(self, drivers: Mapping[str, Sequence[float]]) -> np.ndarray:
        """Quantity per period that the baseline would have had with these drivers, in the meter's unit."""
        given = [np.asarray(drivers[term.name], dtype=float) * term.coefficient for term in self.drivers]
        return self.terms[0].coefficient + np.sum(given, axis=0)

    def half_width(self, modelled: float, reporting_points: int, confidence: float, factor: float) -> float:
        """Half the width of the interval around a saving, in the meter's unit.

        The fractional savings uncertainty of ASHRAE Guideline 14, factor x t x CV / F x sqrt(n / n' x (1 + 2 / n') / m), times the
        saving: F is the saving over the adjusted baseline, so that the product does not depend on how small the saving is.

        Args:
            modelled: The baseline's sum over the reporting period.
            reporting_points: m, periods of it.
            confidence: Two-sided; t has n - p - 1 degrees of freedom.
            factor: Of reference.mv_rule (fsu_factor).
        """
        from scipy.stats import t

        if self.effective_points <= 0:
            return float("inf")
        scatter = self.points / self.effective_points * (1 + 2 / self.effective_points) / reporting_points
        quantile = float(t.ppf((1 + confidence) / 2, self.degrees_of_freedom))
        return factor * quantile * self.cv_rmse * abs(modelled) * sqrt(scatter)


def fit_baseline(quantity: Sequence[float], drivers: Mapping[str, Sequence[float]]) -> BaselineModel:
    """Fit the baseline of a meter.

    Args:
        quantity: Per period, in the meter's unit, in order of time (the autocorrelation depends on it).
        drivers: Per driver the value of every period.

    Raises:
        NoModel: fewer periods than a fit needs, a driver that never changed, drivers that say the same, or a quantity without size.
    """
    y = np.asarray(quantity, dtype=float)
    points, count = y.size, len(drivers)
    if not drivers:
        raise NoModel("no driver is named: there is nothing to regress on")
    if points < count + 3:
        raise NoModel(f"{points} periods are too few for {count} drivers and a constant; {count + 3} is the least")
    for name, values in drivers.items():
        if np.ptp(values) == 0:
            raise NoModel(f"driver {name} was {values[0]:g} in every period of the baseline: nothing can be told of its influence")
    if y.mean() <= 0:
        raise NoModel(f"the meter's mean in the baseline is {y.mean():g}: there is no consumption to compare with")
    # Imported here: it costs more than a second, and a park without measures does not need it.
    from statsmodels.regression.linear_model import OLS

    matrix = np.column_stack([np.ones(points), *(np.asarray(values, dtype=float) for values in drivers.values())])
    # Columns of one size: rank is judged by the drivers' independence, not by their units.
    if np.linalg.matrix_rank(matrix / np.abs(matrix).max(axis=0)) <= count:
        raise NoModel(f"drivers {', '.join(drivers)} say the same: their influences cannot be told apart")
    fit = OLS(y, matrix).fit()
    residuals = y - fit.fittedvalues
    # What floating point leaves of an exact fit is no scatter.
    is_exact = bool(np.sqrt(np.mean(residuals**2)) <= 1e-12 * np.abs(y).max())
    degrees = points - count - 1
    rho = 0.0 if is_exact else _lag_1(residuals)
    return BaselineModel(
        terms=tuple(_terms(fit, drivers)),
        points=points,
        mean=float(y.mean()),
        r2=float(fit.rsquared),
        adjusted_r2=float(fit.rsquared_adj),
        rmse=0.0 if is_exact else float(np.sqrt(residuals @ residuals / degrees)),
        nmbe=float(residuals.sum() / (degrees * y.mean())),
        net_determination_bias=float(residuals.sum() / y.sum()),
        model_p=0.0 if is_exact else float(fit.f_pvalue),
        autocorrelation=rho,
        effective_points=min(float(points), points * (1 - rho) / (1 + rho)) if rho > -1 else float(points),
    )


def _lag_1(residuals: np.ndarray) -> float:
    before, after = residuals[:-1], residuals[1:]
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        return 0.0
    return float(np.corrcoef(before, after)[0, 1])


def _terms(fit: object, drivers: Mapping[str, Sequence[float]]) -> list[ModelTerm]:
    found = []
    for at, name in enumerate([CONSTANT, *drivers]):
        seen = {}
        if name in drivers:
            values = np.asarray(drivers[name], dtype=float)
            seen = {
                "minimum": float(values.min()),
                "maximum": float(values.max()),
                "mean": float(values.mean()),
                "deviation": float(values.std(ddof=1)),
            }
        found.append(ModelTerm(name, float(fit.params[at]), float(fit.bse[at]), float(fit.tvalues[at]), float(fit.pvalues[at]), **seen))
    return found


@dataclass(frozen=True)
class Saving:
    """What a model says was saved over a reporting period, all in the meter's unit.

    Attributes:
        modelled: Model applied to the reporting period.
        adjusted_baseline: The same with non-routine adjustments.
        saving: Adjusted baseline less actual; negative where more was used.
        half_widths: By confidence.
    """

    modelled: float
    adjusted_baseline: float
    actual: float
    saving: float
    half_widths: Mapping[float, float]

    @property
    def share(self) -> float | None:
        """Of the adjusted baseline."""
        return self.saving / self.adjusted_baseline if self.adjusted_baseline else None

    def uncertainty(self, half_width: float) -> float:
        """Half width as a share of the saving: the fractional savings uncertainty."""
        return abs(half_width / self.saving) if self.saving else float("inf")


def savings(
    model: BaselineModel,
    actual: Sequence[float],
    drivers: Mapping[str, Sequence[float]],
    factor: float,
    adjustment: float = 0.0,
    confidences: Sequence[float] = CONFIDENCES,
) -> Saving:
    """Savings of a reporting period: adjusted baseline less actual, plus non-routine adjustments.

    Args:
        actual: Quantity per period.
        adjustment: Sum that the baseline would have had more for reasons that are none of the measure's; taken as exact.
    """
    modelled = float(model.predict(drivers).sum())
    adjusted, used = modelled + adjustment, float(np.sum(actual))
    widths = {level: model.half_width(modelled, len(actual), level, factor) for level in confidences}
    return Saving(modelled, adjusted, used, adjusted - used, widths)


# -- acceptance ------------------------------------------------------------------------------------------------------------------------

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": lambda found, limit: found <= limit,
    "<": lambda found, limit: found < limit,
    ">=": lambda found, limit: found >= limit,
    ">": lambda found, limit: found > limit,
}
REGRESSION = "regression"
"""Purpose of the rules that may judge a regression; those of calibrated simulations may not."""


@dataclass(frozen=True)
class Acceptance:
    """What a rule set says of a model: accepted, or the demands it failed, in words."""

    rule_set: str
    failed: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        return not self.failed


def judge(
    model: BaselineModel,
    saving: Saving,
    factor: float,
    rules: Sequence[Mapping[str, object]],
    resolution: str,
    reporting_points: int,
    post_months: int,
) -> list[Acceptance]:
    """Judge a model by every rule set for regressions that has a demand for its resolution.

    Args:
        rules: Rows of reference.mv_rule in force.
        post_months: Months since the measure was completed that the saving covers.

    Raises:
        KeyError: a rule names a statistic that is not computed.
    """
    found: dict[str, list[str]] = {}
    for rule in rules:
        if rule["purpose"] != REGRESSION or rule["resolution"] not in ("any", resolution):
            continue
        failed = found.setdefault(rule["rule_set"], [])
        first, last = rule["post_months_from"], rule["post_months_to"]
        if (first is not None and post_months < first) or (last is not None and post_months >= last):
            continue
        value = _statistic(str(rule["statistic"]), model, saving, factor, reporting_points, rule["confidence"])
        if not (isfinite(value) or value > 0) or not OPERATORS[rule["operator"]](value, rule["value"]):
            failed.append(f"{rule['statistic']} is {value:.4g}, demanded is {rule['operator']} {rule['value']:g}")
    return [Acceptance(name, tuple(failed)) for name, failed in sorted(found.items())]


def _statistic(name: str, model: BaselineModel, saving: Saving, factor: float, reporting_points: int, confidence: float | None) -> float:
    match name:
        case "cv_rmse":
            return model.cv_rmse
        case "nmbe_abs":
            return abs(model.nmbe)
        case "net_determination_bias":
            return abs(model.net_determination_bias)
        case "r2":
            return model.r2
        case "model_p":
            return model.model_p
        case "abs_t_min":
            return min(abs(term.t) for term in model.drivers)
        case "variable_p_max":
            return max(term.p for term in model.drivers)
        case "variable_p_min":
            return min(term.p for term in model.drivers)
        case "fractional_savings_uncertainty":
            width = model.half_width(saving.modelled, reporting_points, confidence, factor)
            return saving.uncertainty(width)
    raise KeyError(f"reference.mv_rule: statistic {name!r} is not computed for regressions")


# -- where a model may be applied ------------------------------------------------------------------------------------------------------

INSIDE, NEAR, OUTSIDE = "range", "sigma", "outside"


def place(term: ModelTerm, reporting_mean: float, sigmas: float) -> str:
    """Where the reporting period's mean of a driver lies: in the range of the baseline, within so many deviations, or outside."""
    if term.minimum <= reporting_mean <= term.maximum:
        return INSIDE
    if abs(reporting_mean - term.mean) <= sigmas * term.deviation:
        return NEAR
    return OUTSIDE


def finite(value: float | None) -> float | None:
    """Null for what has no number."""
    return value if value is not None and isfinite(value) else None
