"""Economics of audit options (方案经济评估): cash flow, payback, net present value and internal rate of return, and what they are accepted by.

Every rate, acceptance period and threshold stands in reference.economic_parameter and is taken as valid on the day on which the
option was proposed: a decision is judged by what was known when it was taken. What an option really saved stands in
`measure_effect`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import expm1, floor, inf, log1p
from typing import Any

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.contracts.records import BOOL, COUNT, MEASURE, NUMBER, TEXT, TEXTS, Column
from pipelines.contracts.states import State, VerificationStatus

ABANDONED = ("screened_out", "abandoned")
"""Statuses of options that compete for nothing any more."""

_WEAKEST_LAST = tuple(word.value for word in VerificationStatus)

# -- formulas --------------------------------------------------------------------------------------------------------------------------


def net_cash_flow(annual_saving: float, depreciation: float, tax_rate: float) -> float:
    """Annual net cash flow F = P - (P - D) x tax (年净现金流量): profit after tax plus depreciation.

    Args:
        annual_saving: P, CNY/a before tax.
        depreciation: D = I / n, CNY/a.
        tax_rate: Share of one.
    """
    return annual_saving - (annual_saving - depreciation) * tax_rate


def annuity_factor(rate: float, years: float) -> float:
    """Sum of 1 / (1 + i)^j for j = 1 … n (贴现系数); n where the rate is 0."""
    return years if rate == 0 else -expm1(-years * log1p(rate)) / rate


def net_present_value(cash_flow: float, rate: float, years: float, investment: float) -> float:
    """NPV (净现值), in the currency of the arguments."""
    return cash_flow * annuity_factor(rate, years) - investment


def why_no_irr(cash_flow: float, years: float, investment: float) -> str | None:
    """Why there is no internal rate of return; None where there is one."""
    if investment <= 0:
        return "nothing is invested"
    if cash_flow <= 0:
        return f"the annual cash flow is {cash_flow:,.2f} CNY, not positive"
    if cash_flow * years < investment:
        return f"cash flows of {cash_flow * years:,.2f} CNY in {years:g} years do not pay back the investment of {investment:,.2f} CNY"
    return None


def internal_rate_of_return(cash_flow: float, years: float, investment: float) -> float | None:
    """Rate at which NPV is 0 (内部收益率), by Brent's method; None where `why_no_irr` says why.

    It lies between 0, where the flows just pay back, and F / I, which it would be if they lasted for ever; the bracket is twice
    as wide, so that rounding leaves a sign at its end.
    """
    if why_no_irr(cash_flow, years, investment) is not None:
        return None
    if cash_flow * years == investment:
        return 0.0
    from scipy.optimize import brentq

    return float(brentq(lambda rate: net_present_value(cash_flow, rate, years, investment), 0.0, 2 * cash_flow / investment, xtol=1e-14))


def interpolated_rate_of_return(cash_flow: float, years: float, investment: float, step: float) -> float | None:
    """The textbook's trial: i1 + NPV1 x (i2 - i1) / (NPV1 + |NPV2|) between the two multiples of `step` around the root.

    Args:
        step: i2 - i1, at most 0.02 by the textbook.
    """
    exact = internal_rate_of_return(cash_flow, years, investment)
    if exact is None:
        return None
    lower = floor(round(exact / step, 9)) * step
    upper = lower + step
    at_lower, at_upper = (net_present_value(cash_flow, rate, years, investment) for rate in (lower, upper))
    return lower + at_lower * step / (at_lower + abs(at_upper))


# -- what an option is judged by -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """Rates and limits for one option, as valid on the day on which it was proposed."""

    tax_rate: float
    discount_rate: float
    irr_trial_step: float
    payback_limit: float
    payback_limit_low: float | None
    band: str | None
    verification_status: str


def terms_of(parameters: list[dict[str, Any]], enterprise_id: str, investment: float | None, on: date) -> tuple[Terms | None, list[str]]:
    """Parameters for an option, and the codes for which no row is valid; without a complete set there are no terms.

    Of several rows that hold, one for the enterprise goes before a general one, then the park's own before the shipped one.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in parameters:
        if not row["valid_from"] <= on or (row["valid_to"] is not None and row["valid_to"] <= on):
            continue
        if row["enterprise_id"] not in (None, enterprise_id) or not _in_band(row, investment):
            continue
        rank = (row["enterprise_id"] is not None, row["origin"] == "park", row["valid_from"])
        held = found.get(row["parameter_code"])
        if held is None or rank > held["rank"]:
            found[row["parameter_code"]] = row | {"rank": rank}
    asked = ("income_tax_rate", "discount_rate", "irr_trial_step", "payback_limit")
    # Which acceptance period holds depends on an investment; without one it is the investment that is missing.
    lacking = [f"{code} on {on}" for code in asked if code not in found and not (code == "payback_limit" and investment is None)]
    if lacking or investment is None:
        return None, lacking
    limit = found["payback_limit"]
    return Terms(
        found["income_tax_rate"]["value"],
        found["discount_rate"]["value"],
        found["irr_trial_step"]["value"],
        limit["value"],
        limit["value_low"],
        limit["investment_band"],
        max((row["verification_status"] for row in found.values()), key=_WEAKEST_LAST.index),
    ), []


def _in_band(row: Mapping[str, Any], investment: float | None) -> bool:
    lower, upper = row["investment_from_cny"], row["investment_to_cny"]
    if lower is None and upper is None:
        return True
    return investment is not None and (lower is None or investment >= lower) and (upper is None or investment < upper)


# -- options ---------------------------------------------------------------------------------------------------------------------------

_NEEDED = {"investment_cny": "investment", "annual_saving_cny": "annual saving", "lifetime_years": "depreciation period"}


def appraise(measure: Mapping[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """One row of `measure_economics` for an option, `chosen_of_group` left out.

    A figure that is missing leaves everything that rests on it null and is named; nothing is taken for 0.
    """
    row = {name: measure[name] for name in _CARRIED}
    investment, saving, years = (measure[name] for name in _NEEDED)
    terms, lacking = terms_of(parameters, measure["enterprise_id"], investment, measure["proposed_on"])
    missing = [word for name, word in _NEEDED.items() if measure[name] is None] + lacking
    if years is not None and years <= 0:
        missing.append(f"depreciation period above 0 (it is {years:g})")
    if investment is not None and investment < 0:
        missing.append(f"investment of 0 or more (it is {investment:g})")
    row |= {"missing": missing, "warnings": _warnings(measure), "state": State.MISSING.value if missing else State.SELF_REPORTED.value}
    spent = measure["spent_cny"]
    row["spent_share"] = spent / investment if investment and spent is not None else None
    if terms is not None:
        row |= {
            "tax_rate": terms.tax_rate,
            "discount_rate": terms.discount_rate,
            "investment_band": terms.band,
            "payback_limit_years": terms.payback_limit,
            "payback_limit_low_years": terms.payback_limit_low,
            "verification_status": terms.verification_status,
        }
    if missing or terms is None:
        return row
    depreciation = investment / years
    flow = net_cash_flow(saving, depreciation, terms.tax_rate)
    npv = net_present_value(flow, terms.discount_rate, years, investment)
    payback = investment / flow if flow > 0 else None
    irr = internal_rate_of_return(flow, years, investment)
    row |= {
        "depreciation_cny": depreciation,
        "net_cash_flow_cny": flow,
        "payback_years": payback,
        "npv_cny": npv,
        "npvr": npv / investment if investment > 0 else None,
        "irr": irr,
        "irr_interpolated": interpolated_rate_of_return(flow, years, investment, terms.irr_trial_step),
        "irr_undefined_because": why_no_irr(flow, years, investment),
        "payback_accepted": payback is not None and payback < terms.payback_limit,
        "npv_accepted": npv >= 0,
        # Without an investment there is no rate to compare; what costs nothing and brings something is no worse than the bank.
        "irr_accepted": (irr is not None and irr >= terms.discount_rate) if investment > 0 else flow >= 0,
    }
    row["accepted"] = row["payback_accepted"] and row["npv_accepted"] and row["irr_accepted"]
    if saving < depreciation:
        row["warnings"] = [*row["warnings"], "the saving is below depreciation: the formula counts the tax that this loss saves elsewhere"]
    return row


def _warnings(measure: Mapping[str, Any]) -> list[str]:
    found = []
    if measure["price_basis"] is None:
        found.append("nothing says whether the money contains value-added tax")
    spent, investment = measure["spent_cny"], measure["investment_cny"]
    if measure["status"] == "implemented" and spent is None:
        found.append("it is in operation, and nobody has said what was spent")
    if spent is not None and investment is not None and spent > investment:
        found.append(f"{spent:,.0f} CNY were spent of {investment:,.0f} planned")
    return found


def choose(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark of competing options the one with the greatest NPVR (净现值率), if its NPV is not negative.

    Options of one group must state their money on one price basis to be compared; where they do not, none is chosen and each says so.
    """
    done = [row | {"chosen_of_group": None} for row in rows]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in done:
        if row["competes_with"] is not None and row["status"] not in ABANDONED:
            groups.setdefault((row["enterprise_id"], row["competes_with"]), []).append(row)
    for options in groups.values():
        bases = {row["price_basis"] for row in options}
        if len(bases) > 1:
            for row in options:
                row["warnings"] = [*row["warnings"], "not compared with its competitors: their prices are on different bases"]
            continue
        computed = [row for row in options if row.get("npv_cny") is not None]
        best = max((row for row in computed if row["npv_cny"] >= 0), key=_preference, default=None)
        for row in computed:
            row["chosen_of_group"] = row is best
    return done


def _preference(row: dict[str, Any]) -> tuple[float, float, str]:
    """What costs nothing and loses nothing is preferred to any ratio."""
    return (inf if row["npvr"] is None else row["npvr"], row["npv_cny"], row["measure_id"])


def investment_by_class(measures: pl.DataFrame, park_id: str) -> pl.DataFrame:
    """Planned and realised investment of the options that are being or have been carried out, by enterprise and cost class."""
    under_way = measures.filter(pl.col("status").is_in(["approved", "in_progress", "implemented"]))
    both = pl.col("investment_cny").is_not_null() & pl.col("spent_cny").is_not_null()
    figures = [
        pl.len().alias("measures"),
        (pl.col("status") == "implemented").sum().alias("implemented"),
        _known_sum(pl.col("investment_cny")).alias("planned_cny"),
        _known_sum(pl.col("spent_cny")).alias("spent_cny"),
        pl.col("investment_cny").is_null().sum().alias("measures_without_plan"),
        pl.col("spent_cny").is_null().sum().alias("measures_without_spending"),
        (pl.col("spent_cny").filter(both).sum() / pl.col("investment_cny").filter(both).sum()).alias("spent_share"),
    ]
    of_enterprises = under_way.group_by(
        pl.lit("enterprise").alias("subject_kind"), pl.col("enterprise_id").alias("subject_id"), "cost_class"
    ).agg(figures)
    of_park = under_way.group_by(pl.lit("park").alias("subject_kind"), pl.lit(park_id).alias("subject_id"), "cost_class").agg(figures)
    found = pl.concat([of_park, of_enterprises]).with_columns(
        spent_share=pl.when(pl.col("spent_share").is_finite()).then(pl.col("spent_share")),
        state=pl.when(pl.col("spent_cny").is_null() & pl.col("planned_cny").is_null())
        .then(pl.lit(State.MISSING.value))
        .otherwise(pl.lit(State.SELF_REPORTED.value)),
    )
    return found.sort("subject_kind", "subject_id", "cost_class")


def _known_sum(column: pl.Expr) -> pl.Expr:
    """Null where nothing is known, which a sum alone would call 0."""
    return pl.when(column.is_not_null().any()).then(column.sum())


# -- the method ------------------------------------------------------------------------------------------------------------------------

_CARRIED = (
    "measure_id", "enterprise_id", "cost_class", "status", "competes_with", "investment_cny", "annual_saving_cny", "lifetime_years",
    "price_basis", "spent_cny",
)  # fmt: skip
MEASURE_ID = Column("measure_id", TEXT, "Option (clean-production measure, 清洁生产方案).", required=True)
MEASURE_ECONOMICS = Result(
    "measure_economics",
    "One row per audit option (清洁生产方案) with its economics",
    (MEASURE_ID,),
    (
        ENTERPRISE,
        *(MEASURE.by_name[name] for name in ("cost_class", "status", "competes_with", "investment_cny", "annual_saving_cny", "lifetime_years", "price_basis")),
        Column("tax_rate", NUMBER, "Income tax rate as valid when it was proposed, share of one."),
        Column("discount_rate", NUMBER, "Rate i that NPV is discounted with and IRR compared to, share of one."),
        Column("depreciation_cny", NUMBER, "Annual depreciation D = I / n, CNY/a."),
        Column("net_cash_flow_cny", NUMBER, "Annual net cash flow F = P - (P - D) x tax, CNY/a."),
        Column("payback_years", NUMBER, "Payback N = I / F, years; null where F is not positive."),
        Column("investment_band", TEXT, "Band of investment that sets the acceptance period."),
        Column("payback_limit_years", NUMBER, "Acceptance period: N must be below it."),
        Column("payback_limit_low_years", NUMBER, "Lower end of the acceptance period, where the source gives a range."),
        Column("npv_cny", NUMBER, "Net present value (净现值) over the depreciation period, CNY."),
        Column("npvr", NUMBER, "NPV / I (净现值率); null without an investment."),
        Column("irr", NUMBER, "Internal rate of return (内部收益率), share of one, exact; null where there is none."),
        Column("irr_interpolated", NUMBER, "The same by the textbook's interpolation between two trial rates."),
        Column("irr_undefined_because", TEXT, "Why there is no internal rate of return."),
        Column("payback_accepted", BOOL, "N below the acceptance period."),
        Column("npv_accepted", BOOL, "NPV not negative."),
        Column("irr_accepted", BOOL, "IRR at or above the discount rate; without an investment, no negative cash flow."),
        Column("accepted", BOOL, "All three."),
        Column("chosen_of_group", BOOL, "Of competing options the one with the greatest NPVR; null where nothing competes or can be compared."),
        Column("spent_cny", NUMBER, "Investment realised so far, CNY."),
        Column("spent_share", NUMBER, "Realised over planned investment."),
        Column("missing", TEXTS, "Figures that are missing; what rests on them is null."),
        Column("warnings", TEXTS, "What to look at before relying on the row."),
        VERIFICATION,
    ),
    audience="enterprise",
)  # fmt: skip
MEASURE_INVESTMENT = Result(
    "measure_investment",
    "One row per park or enterprise and cost class with planned and realised investment of options that were approved",
    (
        Column("subject_kind", TEXT, "park or enterprise.", required=True, allowed=("park", "enterprise")),
        Column("subject_id", TEXT, "Park or enterprise.", required=True),
        MEASURE.by_name["cost_class"],
    ),
    (
        Column("measures", COUNT, "Options approved, in progress or implemented."),
        Column("implemented", COUNT, "Options in operation."),
        Column("planned_cny", NUMBER, "Planned investment as far as it is known, CNY."),
        Column("spent_cny", NUMBER, "Realised investment as far as it is known, CNY."),
        Column("measures_without_plan", COUNT, "Options without a planned investment."),
        Column("measures_without_spending", COUNT, "Options of which nobody said what was spent."),
        Column("spent_share", NUMBER, "Realised over planned, of options that state both."),
    ),
)


def appraise_measures(frames: Frames, context: Context) -> Outcome:
    """Economics of every option, and investment by enterprise and park."""
    parameters = frames["parameters"].to_dicts()
    rows = choose(appraise(measure, parameters) for measure in frames["measures"].sort("measure_id").iter_rows(named=True))
    economics = _frame(rows, MEASURE_ECONOMICS)
    accepted = economics["accepted"].sum()
    return Outcome(
        {
            MEASURE_ECONOMICS.name: economics,
            MEASURE_INVESTMENT.name: investment_by_class(frames["measures"], context.park_id),
        },
        f"{economics.height} options, {economics['accepted'].count()} with complete figures, {accepted} accepted",
    )


def _frame(rows: list[dict[str, Any]], result: Result) -> pl.DataFrame:
    schema = {column.name: column.dtype for column in (*result.key, *result.columns)} | {"state": TEXT}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


ECONOMICS = Method(
    name="measure_economics",
    version="1",
    description="Economics of audit options: payback, NPV, NPVR, IRR and what is accepted by them (方案经济评估).",
    reads={
        "measures": Source.of("staging.stg_measures", ", ".join((*_CARRIED, "proposed_on"))),
        "parameters": Source.of(
            "reference.economic_parameter",
            "parameter_code, enterprise_id, investment_band, investment_from_cny, investment_to_cny, value, value_low, valid_from, "
            "valid_to, verification_status, origin",
        ),
    },
    results=(MEASURE_ECONOMICS, MEASURE_INVESTMENT),
    run=appraise_measures,
)
