"""Incentives and constraints of enterprises (激励与约束): who is eligible for what, for which reason, until when, and under which appeal.

Rules stand in the standards (`reference.standing_rule`) as conditions over the words of `facts`. A rule whose facts are not known
holds for nobody, and is shown as not known. What people decided and appealed is taken from the reviews.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from pipelines.assessment import conditions
from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.facts import FACT_SOURCES, FACTS, WINDOWS, EnterpriseFacts, is_fact
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure
from pipelines.assessment.quantities import members
from pipelines.contracts.records import COUNT, DATE, STATE, TEXT, TEXTS, Column
from pipelines.contracts.standards import StandardsError, StandardsProblem
from pipelines.contracts.states import State

KINDS = ("incentive", "constraint")
LIGHTS = ("red", "amber", "grey", "green")
"""grey: no constraint is in effect, and of some it is not known."""
EFFECTS = ("in_effect", "not_met", "unknown", "lapsed", "set_aside")
APPEALS = ("none", "pending", "upheld", "dismissed")
MONTHS_OF_PLAIN_FACTS = 12
"""The window of a fact that a rule names without months: only facts as they stand are named so."""
_DECIDED_AWAY = ("rejected", "not_applicable", "delisted")

ENTERPRISE_STANDING = Result(
    "enterprise_standing",
    "One row per enterprise: traffic light, reasons, incentives and appeals",
    (ENTERPRISE,),
    (
        Column(
            "light",
            TEXT,
            "red, amber, green; grey where no constraint is in effect and of some it is not known.",
            required=True,
            allowed=LIGHTS,
        ),
        Column("computed_light", TEXT, "Light before a person's override.", required=True, allowed=LIGHTS),
        Column("reason_codes", TEXTS, "Reasons of the constraints in effect, red ones first.", required=True),
        Column("constraints", TEXTS, "What is withheld: approval, finance.", required=True),
        Column("incentives", TEXTS, "What it is eligible for: green_fund, tax_relief, fewer_inspections.", required=True),
        Column("unknown_facts", TEXTS, "What is not known, and would be needed to say more.", required=True),
        Column(
            "valid_from",
            DATE,
            "Local date since which the light's reasons hold; null where none is in effect, or nothing with a date is behind them.",
        ),
        Column("valid_to", DATE, "First local date on which the last of them lapses unless something new happens."),
        Column(
            "appeal_state",
            TEXT,
            "Of the enterprise's row, else of its reasons: none, pending, upheld or dismissed.",
            required=True,
            allowed=APPEALS,
        ),
        Column("decision", TEXT, "What a person decided about the row."),
        Column("decided_by", TEXT, "Role of who did."),
        STATE,
        VERIFICATION,
    ),
)
ENTERPRISE_STANDING_RULE = Result(
    "enterprise_standing_rule",
    "One row per enterprise and rule of incentive or constraint",
    (ENTERPRISE, Column("rule_id", TEXT, "Rule (reference.standing_rule).", required=True)),
    (
        Column("position", COUNT, "Order of the rules."),
        Column("kind", TEXT, "incentive or constraint.", required=True, allowed=KINDS),
        Column("benefit", TEXT, "What is given or withheld."),
        Column("name", TEXT, "Name."),
        Column("light", TEXT, "Light of a constraint.", allowed=("red", "amber")),
        Column("reason_code", TEXT, "Short word for the reason."),
        Column("condition", TEXT, "Terms that must all hold."),
        Column("effect", TEXT,
               "in_effect; not_met; unknown (facts are not known); lapsed (validity is over); set_aside (by a decision or an upheld appeal).",
               required=True, allowed=EFFECTS),
        Column("facts", TEXTS, "The facts behind it, as `word = value (day)`.", required=True),
        Column("unknown_facts", TEXTS, "Words that are not known.", required=True),
        Column("valid_from", DATE, "Local date of the newest fact behind it; null where its terms do not hold, or facts are known as they stand and have no date."),
        Column("valid_to", DATE, "First local date on which it no longer holds unless something new happens."),
        Column("appeal_state", TEXT, "none, pending, upheld or dismissed.", required=True, allowed=APPEALS),
        Column("decision", TEXT, "What a person decided about the rule."),
        Column("decided_by", TEXT, "Role of who did."),
        STATE,
        VERIFICATION,
    ),
)  # fmt: skip


def judge_standing(frames: Frames, context: Context) -> Outcome:
    """Every rule for every member of today, and what they amount to.

    Raises:
        StandardsError: rules name words that nobody knows, with all that is wrong.
    """
    rules = in_force(frames["rules"], context.today, ["rule_id"]).sort("position")
    check_rules(rules)
    enterprises = members(frames["memberships"], context.today, context.today + timedelta(days=1))
    facts = EnterpriseFacts(frames, context.today)
    of_rules = rules_of(enterprises, rules, facts, frames["reviews"], context.today)
    lights = lights_of(enterprises, of_rules, frames["reviews"], context.today)
    counts = dict(lights["light"].value_counts().iter_rows())
    said = ", ".join(f"{counts[light]} {light}" for light in LIGHTS if light in counts)
    return Outcome(
        {ENTERPRISE_STANDING.name: lights, ENTERPRISE_STANDING_RULE.name: of_rules}, f"{lights.height} enterprises: {said or 'none'}"
    )


def rules_of(enterprises: Iterable[str], rules: pl.DataFrame, facts: EnterpriseFacts, reviews: pl.DataFrame, today: date) -> pl.DataFrame:
    """Each rule for each enterprise: whether its terms hold, since and until when, and what people decided.

    A rule holds from the day of the newest fact behind it, for the months that the rule says; a rule that an upheld appeal set aside
    holds again when something newer than the appeal's decision happens.
    """
    windows = pl.DataFrame({"enterprise_id": list(enterprises)}, schema={"enterprise_id": pl.String}).select(
        key="enterprise_id",
        enterprise_id="enterprise_id",
        starts=pl.lit(today + timedelta(days=1)).dt.offset_by(f"-{MONTHS_OF_PLAIN_FACTS}mo"),
        ends=pl.lit(today + timedelta(days=1)),
    )
    names = dict.fromkeys(name for text in rules["condition"] for name in conditions.parse(text).names)
    known = facts.of(windows.select(WINDOWS.names()), names)
    parts = []
    for rule in rules.iter_rows(named=True):
        condition = conditions.parse(rule["condition"])
        days = [pl.col(f"{name}__on") for name in condition.names]
        parts.append(
            known.select(
                enterprise_id="key",
                holds=condition.holds(),
                facts=pl.concat_list(*(_said(name) for name in condition.names)),
                unknown_facts=condition.unknown(),
                newest=pl.max_horizontal(*days),
                **{
                    name: pl.lit(rule[name])
                    for name in ("rule_id", "kind", "benefit", "name", "light", "reason_code", "verification_status")
                },
                position=pl.lit(rule["position"], dtype=pl.Int64),
                condition=pl.lit(str(condition)),
                validity_months=pl.lit(rule["validity_months"], dtype=pl.Int64),
            )
        )
    rows = pl.concat(parts, how="diagonal_relaxed") if parts else ENTERPRISE_STANDING_RULE.empty()
    decisions = current_decisions(reviews, ENTERPRISE_STANDING_RULE.name, today)
    valid_to = pl.col("newest").dt.offset_by(pl.format("{}mo", "validity_months"))
    decided_away = pl.col("decision").is_in(list(_DECIDED_AWAY)).fill_null(False)
    appealed_away = (pl.col("appeal_state") == "upheld") & (pl.col("newest").is_null() | (pl.col("newest") <= pl.col("appeal_decided_on")))
    effect = (
        pl.when(pl.col("holds").is_null())
        .then(pl.lit("unknown"))
        .when(~pl.col("holds"))
        .then(pl.lit("not_met"))
        .when(decided_away | appealed_away.fill_null(False))
        .then(pl.lit("set_aside"))
        .when(pl.col("valid_to") <= today)
        .then(pl.lit("lapsed"))
        .otherwise(pl.lit("in_effect"))
    )
    return (
        rows.with_columns(subject_key=subject_key("enterprise_id", "rule_id"), valid_to=valid_to)
        .join(decisions.select("subject_key", "decision", "decided_by", "appeal_state", "appeal_decided_on"), on="subject_key", how="left")
        .with_columns(pl.col("appeal_state").fill_null("none"))
        .with_columns(effect=effect)
        .with_columns(
            valid_from=pl.when(pl.col("holds")).then(pl.col("newest")),
            valid_to=pl.when(pl.col("holds")).then(pl.col("valid_to")),
            state=pl.when(pl.col("effect") == "unknown").then(pl.lit(State.MISSING.value)).otherwise(pl.lit(State.ESTIMATED.value)),
        )
        .select(ENTERPRISE_STANDING_RULE.empty().columns)
        .sort("enterprise_id", "position")
    )


def _said(name: str) -> pl.Expr:
    value = pl.col(name).cast(pl.String).fill_null("unknown").str.strip_suffix(".0")
    day = pl.when(pl.col(f"{name}__on").is_not_null()).then(pl.format(" ({})", pl.col(f"{name}__on").cast(pl.String))).otherwise(pl.lit(""))
    return pl.concat_str(pl.lit(f"{name} = "), value, day)


def lights_of(enterprises: Iterable[str], of_rules: pl.DataFrame, reviews: pl.DataFrame, today: date) -> pl.DataFrame:
    """The traffic light of each enterprise: its worst constraint in effect, unless a person put another light in its place.

    An upheld appeal against the row gives a green light only through a decision: what is set aside are single reasons.
    """
    in_effect = of_rules.filter((pl.col("effect") == "in_effect") & (pl.col("kind") == "constraint")).with_columns(
        severity=pl.col("light").replace_strict({"red": 0, "amber": 1}, return_dtype=pl.Int64)
    )
    constraints = in_effect.sort("severity", "position").group_by("enterprise_id", maintain_order=True).agg(
        worst=pl.col("light").first(),
        reason_codes=pl.col("reason_code").unique(maintain_order=True),
        constraints=pl.col("benefit").unique().sort(),
        valid_from=pl.col("valid_from").min(),
        valid_to=pl.col("valid_to").max(),
    )  # fmt: skip
    incentives = of_rules.filter((pl.col("effect") == "in_effect") & (pl.col("kind") == "incentive"))
    gifts = incentives.group_by("enterprise_id").agg(incentives=pl.col("benefit").unique().sort())
    open_rules = (
        of_rules.filter((pl.col("effect") == "unknown") & (pl.col("kind") == "constraint"))
        .group_by("enterprise_id")
        .agg(open_rules=pl.len())
    )
    unknown = of_rules.select("enterprise_id", "unknown_facts").explode("unknown_facts").drop_nulls("unknown_facts")
    unknown = unknown.group_by("enterprise_id").agg(unknown_facts=pl.col("unknown_facts").unique().sort())
    rank = {"pending": 0, "dismissed": 1, "upheld": 2, "none": 3}
    appeals = of_rules.group_by("enterprise_id").agg(
        appeal_of_rules=pl.col("appeal_state").sort_by(pl.col("appeal_state").replace_strict(rank, return_dtype=pl.Int64)).first(),
        verification_status=least_sure(pl.col("verification_status")),
    )
    decisions = current_decisions(reviews, ENTERPRISE_STANDING.name, today).select(
        "decision", "value_text", "decided_by", own_appeal="appeal_state", enterprise_id="subject_key"
    )
    rows = pl.DataFrame({"enterprise_id": list(enterprises)}, schema={"enterprise_id": pl.String})
    for part in (constraints, gifts, open_rules, unknown, appeals, decisions):
        rows = rows.join(part, on="enterprise_id", how="left", maintain_order="left")
    nothing = pl.lit([], dtype=pl.List(pl.String))
    computed = (
        pl.when(pl.col("worst").is_not_null())
        .then(pl.col("worst"))
        .when(pl.col("open_rules") > 0)
        .then(pl.lit("grey"))
        .otherwise(pl.lit("green"))
    )
    overridden = pl.when((pl.col("decision") == "override") & pl.col("value_text").is_in(LIGHTS)).then(pl.col("value_text"))
    own = pl.when(pl.col("own_appeal") != "none").then(pl.col("own_appeal"))
    return (
        rows.with_columns(pl.col("reason_codes", "constraints", "incentives", "unknown_facts").fill_null(nothing), computed_light=computed)
        .with_columns(
            light=pl.coalesce(overridden, "computed_light"),
            appeal_state=pl.coalesce(own, "appeal_of_rules", pl.lit("none")),
            state=pl.when(pl.col("computed_light") == "grey").then(pl.lit(State.MISSING.value)).otherwise(pl.lit(State.ESTIMATED.value)),
        )
        .select(ENTERPRISE_STANDING.empty().columns)
        .sort("enterprise_id")
    )


def check_rules(rules: pl.DataFrame) -> None:
    """Every rule says something that can be read and known.

    Raises StandardsError with everything that is wrong.
    """
    problems = []
    for rule in rules.iter_rows(named=True):

        def wrong(column: str, message: str, rule: dict = rule) -> None:
            problems.append(StandardsProblem("standing_rules", None, column, str(rule[column] or ""), f"{rule['rule_id']}: {message}"))

        try:
            names = conditions.parse(rule["condition"]).names
        except conditions.ConditionError as error:
            wrong("condition", str(error))
        else:
            if not names:
                wrong("condition", "a rule needs a condition")
            if unknown := [name for name in names if not is_fact(name)]:
                wrong("condition", f"knows no {', '.join(unknown)}; there are {', '.join(FACTS)}, each also as <fact>_<n>m")
        if rule["kind"] not in KINDS:
            wrong("kind", f"must be one of {', '.join(KINDS)}")
        if (rule["light"] in ("red", "amber")) != (rule["kind"] == "constraint"):
            wrong("light", "a constraint is red or amber, an incentive has no light")
    if problems:
        raise StandardsError(problems)


def _plot(axes: object, frames: Frames) -> None:
    """Enterprises by light."""
    counts = dict(frames[ENTERPRISE_STANDING.name]["light"].value_counts().iter_rows())
    colours = {"red": "tab:red", "amber": "tab:orange", "grey": "tab:grey", "green": "tab:green"}
    axes.bar(LIGHTS, [counts.get(light, 0) for light in LIGHTS], color=[colours[light] for light in LIGHTS])
    axes.set_ylabel("enterprises")


STANDINGS = Method(
    name="enterprise_standing",
    version="1",
    description="Incentives and constraints of enterprises with reasons, validity and appeals (激励与约束清单).",
    reads=FACT_SOURCES
    | {
        "rules": Source.of(
            "reference.standing_rule",
            "rule_id, position, kind, benefit, name, condition, light, reason_code, validity_months, verification_status, valid_from, valid_to, origin",
        ),
        "memberships": Source.of("intermediate.int_memberships", "enterprise_id, valid_from, valid_to"),
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(ENTERPRISE_STANDING, ENTERPRISE_STANDING_RULE),
    run=judge_standing,
    plot=_plot,
)
