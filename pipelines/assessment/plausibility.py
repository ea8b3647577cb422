"""Indicators of plausibility (数据合理性): what of the readings an inspector should look at, with what else can explain it.

Never a proof, and no word of intent: a finding says what was compared, how far it stood off, how to find the rows, and how it can
come about although everything is in order. Which day is conspicuous is decided in `plausibility_channels` and
`plausibility_outlets`; declared figures against monitored ones are `reconciliation`'s.
"""

import polars as pl

from pipelines.assessment import plausibility_channels, plausibility_outlets
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.facts import OWNER_SOURCES
from pipelines.assessment.in_force import in_force, with_enterprise
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.plausibility_channels import Channels
from pipelines.assessment.plausibility_hits import HIT, NOTHING, in_a_row
from pipelines.assessment.plausibility_outlets import Outlets
from pipelines.contracts.records import COUNT, DATE, NUMBER, STATE, TEXT, Column
from pipelines.contracts.standards import StandardsError, StandardsProblem
from pipelines.contracts.states import State, VerificationStatus

STRENGTHS = ("strong", "moderate", "weak")
_DATES = "dates"
_KNOWN = {*plausibility_channels.COMPARISONS, *plausibility_outlets.COMPARISONS, _DATES}

PLAUSIBILITY = Result(
    "plausibility",
    "One row per rule, place, parameter and first day of what the rule found, over the dates that it looks at",
    (
        Column("rule_id", TEXT, "Rule (reference.plausibility_rule).", required=True),
        Column("place_kind", TEXT, "point: a channel of a measuring point; outlet: what the outlet's hours amount to.", required=True,
               allowed=("point", "outlet")),
        Column("place_id", TEXT, "Point or outlet.", required=True),
        Column("other_place_id", TEXT, "The other outlet of a pair; `-` where there is none.", required=True),
        Column("parameter_code", TEXT, "Pollutant or parameter; `-` where the rule looks at all of them.", required=True),
        Column("statistic", TEXT, "Statistic of the channel; `-` for outlets.", required=True),
        Column("source_kind", TEXT, "Way in which the values arrived; `-` for outlets.", required=True),
        Column("period_start", DATE, "First local date.", required=True),
    ),
    (
        Column("period_end", DATE, "First local date after it.", required=True),
        Column("enterprise_id", TEXT, "Enterprise whose point or outlet it is; null for the park's own."),
        Column("outlet_id", TEXT, "Outlet that is measured; null for meters and inlets."),
        Column("value", NUMBER, "What the rule compares, in `threshold_unit`; of several days the one farthest off.", required=True),
        Column("threshold", NUMBER, "What it is compared with.", required=True),
        Column("threshold_unit", TEXT, "Unit of both.", required=True),
        Column("observed", NUMBER, "What was sent, in `unit`: the day's mean, largest hour or count behind `value`."),
        Column("expected", NUMBER, "What the rule holds it against, in `unit`: usual level, limit, end of range, other way."),
        Column("unit", TEXT, "Unit of observed and expected."),
        Column("evidence_strength", TEXT, "strong, moderate or weak: what it is worth by itself. None is a proof.", required=True,
               allowed=STRENGTHS),
        Column("finding", TEXT, "What the finding says.", required=True),
        Column("innocent_explanations", TEXT, "How it can come about although everything is in order."),
        Column("source_rules", TEXT, "Rules of the catalogue that the rule follows."),
        Column("rows_behind", COUNT, "Hours or periods behind it.", required=True),
        Column("found_in", TEXT, "Table in which they stand.", required=True),
        Column("found_where", TEXT, "Condition that selects them there, with the rest of its days.", required=True),
        Column("subject_key", TEXT, "Key by which a review names the row (reviews, about `plausibility`).", required=True),
        Column("decision", TEXT, "Decision in force on it; null while nobody has looked."),
        Column("decided_by", TEXT, "Role of who decided."),
        Column("decided_on", DATE, "Local date of the decision."),
        Column("verification_status", TEXT, "How sure the rule is.", allowed=tuple(word.value for word in VerificationStatus)),
        STATE,
    ),
    audience="auditor",
)  # fmt: skip
_SAID = (
    "rule_id", "threshold", "threshold_unit", "evidence_strength", "finding", "innocent", "source_rules", "verification_status",
)  # fmt: skip
KEY = [column.name for column in PLAUSIBILITY.key]


def look_for_the_implausible(frames: Frames, context: Context) -> Outcome:
    """Every rule in force on the day of the build, over the dates that the marts' look-back gives."""
    rules = in_force(frames["rules"], context.today, ["rule_id", "parameter_code"]).sort("rule_id", "parameter_code").to_dicts()
    _refuse_unknown(rules)
    channels = Channels(frames["channels"], frames["channel_months"], frames["parameters"], rules)
    since = frames["channels"]["local_date"].min()
    events = with_enterprise(frames["events"], "occurred_on", *(frames[name] for name in OWNER_SOURCES))
    episodes = frames["episodes"].filter(pl.col("local_date") >= since) if since else frames["episodes"]
    outlets = Outlets(frames["outlet_days"], episodes, events, frames["consumption"], frames["stacks"], rules)
    found = [_found(rule, number, channels, outlets) for number, rule in enumerate(rules) if rule["compares"] != _DATES]
    rows = pl.concat([pl.DataFrame(schema=HIT | {"_rule": pl.UInt32()}), *found])
    decided = current_decisions(frames["reviews"], PLAUSIBILITY.name, context.today).select(
        "subject_key", "decision", "decided_by", "decided_on"
    )
    said = worded(rows, rules).join(decided, on="subject_key", how="left").select(PLAUSIBILITY.empty().columns).sort(KEY)
    counts = dict(said["evidence_strength"].value_counts().iter_rows())
    by_strength = ", ".join(f"{counts[word]} {word}" for word in STRENGTHS if word in counts)
    places = said.select("place_kind", "place_id").unique().height
    message = f"{said.height} findings to look at ({by_strength}) at {places} points and outlets" if said.height else "nothing to look at"
    return Outcome({PLAUSIBILITY.name: said}, message)


def _refuse_unknown(rules: list[dict]) -> None:
    problems = [
        StandardsProblem(
            "plausibility_rules", None, "compares", rule["compares"], f"{rule['rule_id']}: must be one of {', '.join(sorted(_KNOWN))}"
        )
        for rule in rules
        if rule["compares"] not in _KNOWN
    ]
    if problems:
        raise StandardsError(problems)


def _found(rule: dict, number: int, channels: Channels, outlets: Outlets) -> pl.DataFrame:
    """Hits of one rule, days in a row as one, with the rule's place among the rules."""
    comparison = rule["compares"]
    if comparison in plausibility_channels.COMPARISONS:
        raw = plausibility_channels.COMPARISONS[comparison](channels, rule)
    else:
        raw = plausibility_outlets.COMPARISONS[comparison](outlets, rule)
    return in_a_row(raw, rule).with_columns(_rule=pl.lit(number, dtype=pl.UInt32))


def worded(rows: pl.DataFrame, rules: list[dict]) -> pl.DataFrame:
    """Findings with what their rule says, and where their rows stand."""
    said = pl.DataFrame(rules, schema=dict.fromkeys(_SAID, pl.String) | {"threshold": pl.Float64()}).select(
        "rule_id", "threshold", "threshold_unit", "evidence_strength", "finding", "source_rules", "verification_status",
        innocent_explanations="innocent",
    ).with_row_index("_rule")  # fmt: skip
    period = pl.format("local_date >= date '{}' and local_date < date '{}'", "period_start", "period_end")
    of_point = pl.concat_str(
        pl.format("point_id = '{}'", "place_id"),
        *(
            pl.when(pl.col(name) == NOTHING).then(pl.lit("")).otherwise(pl.format(f" and {name} = '{{}}'", name))
            for name in ("parameter_code", "statistic", "source_kind")
        ),
    )
    of_outlet = pl.concat_str(
        pl.format("outlet_id = '{}'", "place_id"),
        pl.when(pl.col("parameter_code") == NOTHING).then(pl.lit("")).otherwise(pl.format(" and pollutant_code = '{}'", "parameter_code")),
    )
    is_point = pl.col("place_kind") == "point"
    return (
        rows.join(said, on="_rule")
        .with_columns(
            rows_behind=pl.col("rows"),
            found_in=pl.when(is_point).then(pl.lit("marts.point_hourly")).otherwise(pl.lit("marts.emission_hourly")),
            found_where=pl.concat_str(pl.when(is_point).then(of_point).otherwise(of_outlet), pl.lit(" and "), period),
            state=pl.lit(State.MEASURED.value),
        )
        .with_columns(subject_key=subject_key(*KEY))
    )


def plot_findings(axes: object, frames: Frames) -> None:
    """Findings by rule and strength, most first."""
    counts = frames[PLAUSIBILITY.name].group_by("rule_id", "evidence_strength").len().sort("len", "rule_id")
    colours = {"strong": "tab:red", "moderate": "tab:orange", "weak": "tab:gray"}
    axes.barh(counts["rule_id"].to_list(), counts["len"].to_list(), color=[colours[word] for word in counts["evidence_strength"]])
    axes.set_xlabel("findings")
    axes.set_title("To look at, by rule: strong (red), moderate (orange), weak (grey)" if counts.height else "Nothing to look at")


_DAYS = (
    "enterprise_id, outlet_id, pollutant_code, local_date, medium, unit, limit_value, hours, value_hours, marked_hours, short_hours, value_mean, flow_hours, "
    "flow_mean, flow_known_hours, flow_m3, oxygen_percent, stopped_value_hours, stopped_value_max, zero_flow_hours, no_flow_hours, no_flow_value_max, converted_hours, "
    "calibration_hour, calibration_hours, converted_ratio, product_hours, product_ratio, above_limit_hours, "
    + ", ".join(f"limit_{percent}_hours" for percent in range(90, 100))
    + ", whole_code, above_whole_hours, whole_share_max"
)

PLAUSIBILITIES = Method(
    name="plausibility",
    version="plausibility-1",
    description="Indicators of plausibility of what was sent (数据合理性、异常线索), for inspection: none is a proof.",
    reads=OWNER_SOURCES
    | {
        "channels": Source.of(
            "intermediate.int_plausibility_channels",
            "point_id, parameter_code, statistic, source_kind, local_date, enterprise_id, outlet_id, process_id, is_pollutant, expected_periods, "
            "received_periods, valid_periods, late_periods, unit, range_min, range_max, hours, nd_hours, stopped_hours, "
            "value_mean, value_min, value_max, value_variance, hours_at_max, steps, unchanged_hours, moving_hours, step_square_sum, "
            "step_max, shape, block_1, block_2, block_3, block_4, block_5, block_6, shorter_mean, longer_mean, shorter_hours, longer_hours",
        ),
        "channel_months": Source.of(
            "intermediate.int_plausibility_channel_months",
            "point_id, parameter_code, statistic, source_kind, month_start_date, days, value_mean, value_deviation",
        ),
        "outlet_days": Source.of("intermediate.int_plausibility_outlets", _DAYS),
        "episodes": Source.of(
            "marts.exceedance_episodes",
            "enterprise_id, outlet_id, pollutant_code, limit_kind, limit_id, limit_value, unit, is_binding, local_date, episode_end_utc, "
            "duration_hours, max_value",
        ),
        "events": Source.of("staging.stg_events", "event_id, event_kind, subject_kind, subject_id, occurred_on"),
        "stacks": Source.of("intermediate.int_plausibility_stacks", "enterprise_id, outlet_id, process_code"),
        "consumption": Source.of(
            "marts.enterprise_consumption_monthly", "enterprise_id, process_id, item_code, month_start_date, quantity"
        ),
        "parameters": Source.of("reference.parameter", "parameter_code, mass_from"),
        "rules": Source.of(
            "reference.plausibility_rule",
            "rule_id, source_rules, compares, parameter_code, other_parameter_code, operator, threshold, threshold_unit, extent, "
            "extent_unit, guard, guard_unit, evidence_strength, finding, innocent, verification_status, valid_from, valid_to, origin",
        ),
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(PLAUSIBILITY,),
    run=look_for_the_implausible,
    plot=plot_findings,
)
