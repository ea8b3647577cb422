"""The tables of verified effects: what is said of a measure, and everything that it was said from.

What stands in them is decided in `measure_effect` and `measure_classes`.
"""

from pipelines.assessment.columns import ENTERPRISE, MEASURED_SHARE, VERIFICATION
from pipelines.assessment.measure_economics import MEASURE_ID
from pipelines.assessment.measure_series import DAY, MONTH
from pipelines.assessment.method import Result
from pipelines.contracts.records import BOOL, COUNT, DATE, MEASURE, NUMBER, TEXT, TEXTS, Column

VERIFIED, NEGATIVE, NOT_VERIFIABLE = "verified", "negative", "not_verifiable"
BASELINE, REPORTING, LATER = "baseline", "reporting", "later"
PLACES = ("range", "sigma", "outside")

_METER = (
    Column("point_id", TEXT, "Meter; `-` where none is registered.", required=True),
    Column("parameter_code", TEXT, "What it counts (reference.parameter); `-` where no meter is registered.", required=True),
)
_KEY = (MEASURE_ID, *_METER)
_Q = "in `unit`"

MEASURE_EFFECT = Result(
    "measure_effect",
    "One row per implemented measure and meter that it acts on, with its verified effect",
    _KEY,
    (
        ENTERPRISE,
        MEASURE.by_name["measure_class"],
        Column("completed_on", DATE, "First local date on which the measure was in operation."),
        Column("decision", TEXT, "verified, negative (more was used than without it), or not_verifiable.", required=True, allowed=(VERIFIED, NEGATIVE, NOT_VERIFIABLE)),
        Column("not_verifiable_because", TEXTS, "Why it is not verifiable; null where it is."),
        Column("saving_quantity", NUMBER, f"The measure's saving over the reporting period, {_Q}; null where it is not verifiable."),
        Column("annual_saving_quantity", NUMBER, f"The same for a year, {_Q}."),
        Column("unit", TEXT, "Unit of all quantities of the row: the meter's."),
        *(Column(f"saving_{end}_{level}", NUMBER, f"{end.capitalize()} end of the {level} % interval of the measure's part of the meter's saving, {_Q}.")
          for level in (68, 90, 95) for end in ("lower", "upper")),
        Column("uncertainty_share_90", NUMBER, "Half the 90 % interval over the saving (fractional savings uncertainty)."),
        Column("counts_in_total", BOOL, "Whether the row may be added to others of the measure: not where a sub-meter of this meter is also named.", required=True),
        Column("meter_saving_quantity", NUMBER, f"Saving of the meter, of all measures that act on it together, {_Q}; also of models that were not accepted."),
        Column("meter_saving_share", NUMBER, "The same over the adjusted baseline."),
        Column("overlapping_measures", TEXTS, "Other measures whose effect on the meter cannot be told apart in time."),
        Column("split_rule", TEXT, "alone; register_share (measure_meter.share); or not_split.", required=True, allowed=("alone", "register_share", "not_split")),
        Column("share", NUMBER, "Share of the meter's saving that is the measure's."),
        Column("adjusted_baseline_quantity", NUMBER, f"What would have been used without measures, non-routine adjustments included, {_Q}."),
        Column("actual_quantity", NUMBER, f"What was used in the usable periods of the reporting period, {_Q}."),
        Column("adjustment_quantity", NUMBER, f"Sum of non-routine adjustments of the reporting period, {_Q} (assessment.measure_adjustment)."),
        Column("naive_saving_quantity", NUMBER, f"Mean of the baseline times the periods of reporting, less actual: before and after without any driver, {_Q}."),
        Column("intensity_baseline", NUMBER, "Quantity per unit of the one driver in the baseline."),
        Column("intensity_reporting", NUMBER, "The same in the reporting period."),
        Column("intensity_change_share", NUMBER, "Change of the intensity; overstates a saving where there is a base load."),
        Column("promised_item", TEXT, "Item that the measure promised to save."),
        Column("promised_quantity", NUMBER, "Promised saving per year, in `promised_unit`."),
        Column("promised_unit", TEXT, "Unit of the promise."),
        Column("kept_share", NUMBER, "Verified over promised saving of a year; null where the promise is about another item."),
        Column("resolution", TEXT, "Length of the periods: month, or day where there were too few months.", allowed=(MONTH, DAY)),
        Column("baseline_start", DATE, "First local date of the baseline."),
        Column("baseline_end", DATE, "First local date after it."),
        Column("reporting_start", DATE, "First local date of the reporting period."),
        Column("reporting_end", DATE, "First local date after it."),
        Column("baseline_periods", COUNT, "Usable periods of the baseline, n.", required=True),
        Column("reporting_periods", COUNT, "Usable periods of the reporting period, m.", required=True),
        Column("rule_set", TEXT, "Rule set that decided (reference.mv_rule)."),
        Column("model_accepted", BOOL, "Whether that rule set accepts the model; null where there is none."),
        Column("applicability", TEXT, "Where the drivers of the reporting period lie: range of the baseline, sigma (near it), or outside.", allowed=PLACES),
        Column("r2", NUMBER, "R²."),
        Column("adjusted_r2", NUMBER, "R² adjusted for the number of drivers."),
        Column("rmse", NUMBER, f"sqrt(sum of squared residuals / (n - p - 1)), {_Q} per period."),
        Column("cv_rmse", NUMBER, "RMSE over the mean of the baseline, share of one."),
        Column("nmbe", NUMBER, "Sum of residuals over (n - p - 1) x mean, share of one."),
        Column("model_p", NUMBER, "p of the F test."),
        Column("autocorrelation", NUMBER, "Of residuals, lag 1."),
        Column("effective_points", NUMBER, "n' = n (1 - rho) / (1 + rho), at most n."),
        Column("meter_source", TEXT, "What the meter's quantities were taken from."),
        MEASURED_SHARE,
        Column("warnings", TEXTS, "What to look at before relying on the row."),
        VERIFICATION,
    ),
    audience="enterprise",
)  # fmt: skip

MEASURE_MODEL_TERM = Result(
    "measure_model_term",
    "One row per measure, meter and term of its baseline model",
    (*_KEY, Column("term", TEXT, "`constant`, or the driver's code.", required=True)),
    (
        Column("coefficient", NUMBER, "Meter's unit per unit of the driver; of the constant, meter's unit per period.", required=True),
        Column("standard_error", NUMBER, "Standard error of the coefficient."),
        Column("t", NUMBER, "t of the coefficient."),
        Column("p", NUMBER, "p of the coefficient."),
        Column("driver_source", TEXT, "What the driver's values were taken from."),
        Column("driver_unit", TEXT, "Unit of the driver."),
        Column("baseline_min", NUMBER, "Least value of the driver in the baseline."),
        Column("baseline_max", NUMBER, "Greatest."),
        Column("baseline_mean", NUMBER, "Mean."),
        Column("baseline_deviation", NUMBER, "Standard deviation."),
        Column("reporting_mean", NUMBER, "Mean in the reporting period."),
        Column("applicability", TEXT, "Where that lies: range of the baseline, sigma (near it), or outside.", allowed=PLACES),
    ),
    audience="enterprise",
)  # fmt: skip

MEASURE_MODEL_ACCEPTANCE = Result(
    "measure_model_acceptance",
    "One row per measure, meter and rule set that judges its baseline model",
    (*_KEY, Column("rule_set", TEXT, "Rule set for regressions (reference.mv_rule).", required=True)),
    (
        Column("accepted", BOOL, "Whether it keeps every demand.", required=True),
        Column("failed", TEXTS, "Demands that it does not keep, with what was found.", required=True),
        Column("decides", BOOL, "Whether the decision rests on this set.", required=True),
        VERIFICATION,
    ),
    audience="enterprise",
)  # fmt: skip

MEASURE_EFFECT_PERIOD = Result(
    "measure_effect_period",
    "One row per measure, meter and month or day of its baseline and reporting period",
    (*_KEY, Column("period_start", DATE, "First local date.", required=True)),
    (
        Column("role", TEXT, "baseline, reporting, or later (after the months that the result is taken from).", required=True, allowed=(BASELINE, REPORTING, LATER)),
        Column("period_end", DATE, "First local date after it.", required=True),
        Column("quantity", NUMBER, f"What the meter counted, scaled up to the whole period, {_Q}."),
        Column("unit", TEXT, "Unit of the quantities."),
        Column("driver_values", TEXTS, "Drivers of the period, as `code = value unit`."),
        Column("modelled_quantity", NUMBER, f"What the baseline model says, {_Q}."),
        Column("adjustment_quantity", NUMBER, f"Non-routine adjustment, {_Q}: in the baseline taken off the meter, in the reporting period added to the model."),
        Column("saving_quantity", NUMBER, f"Modelled plus adjustment less quantity, of the meter, {_Q}; not in the baseline."),
        Column("coverage_share", NUMBER, "Share of the period that the meter covers, 0 to 1."),
        Column("excluded_because", TEXT, "Why the period is not used; null where it is."),
    ),
    audience="enterprise",
)  # fmt: skip

MEASURE_ADJUSTMENT = Result(
    "measure_adjustment",
    "One row per measure, meter and non-routine event that its baseline or reporting period was adjusted for",
    (*_KEY, Column("event_id", TEXT, "Event (record event).", required=True)),
    (
        Column("occurred_on", DATE, "First local date."),
        Column("ended_on", DATE, "First local date on which it was over; null while it lasts."),
        Column("quantity_per_day", NUMBER, f"What it adds per day, {_Q}; null where its periods were left out."),
        Column("unit", TEXT, "Unit of the amounts."),
        Column("baseline_days", COUNT, "Days of the baseline that it touches.", required=True),
        Column("reporting_days", COUNT, "Days of the reporting period that it touches.", required=True),
        Column("not_adjusted_because", TEXT, "Why its periods were left out and not adjusted."),
        Column("evidence_sha256", TEXT, "Hash of the evidence; null where there is none."),
        Column("note", TEXT, "What happened."),
    ),
    audience="enterprise",
)  # fmt: skip

MEASURE_CLASS_SHARE = Result(
    "measure_class_share",
    "One row per park or enterprise, basis, item and class of measure: how much of the savings is made at the source",
    (
        Column("subject_kind", TEXT, "park or enterprise.", required=True, allowed=("park", "enterprise")),
        Column("subject_id", TEXT, "Park or enterprise.", required=True),
        Column("basis", TEXT, "verified (by meters), promised (by the options), or money (promised annual saving).", required=True, allowed=("verified", "promised", "money")),
        Column("item_code", TEXT, "Item or pollutant (reference.parameter); `-` for money.", required=True),
        MEASURE.by_name["measure_class"],
    ),
    (
        Column("annual_saving", NUMBER, "Saving per year of the implemented measures of the class, in `unit`; null where none can be counted."),
        Column("unit", TEXT, "Unit."),
        Column("share", NUMBER, "Share of the item's savings, 0 to 1; null where a class used more than before."),
        Column("measures", COUNT, "Measures and meters behind it.", required=True),
        Column("left_out", COUNT, "Promises without an amount in a unit that converts.", required=True),
    ),
)  # fmt: skip
