"""Findings of the audit: what became of them, what causes them, and the chain from the finding to the verified effect.

A finding's status is what the auditor left it with, changed by people's later decisions. Whether a measure saved anything is
decided in `measure_effect`; what is overdue stands in `worklist`.
"""

from dataclasses import replace
from datetime import date

import polars as pl

from pipelines.assessment.columns import ENTERPRISE
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.contracts.records import BOOL, CAUSE_CODES, COUNT, DATE, FINDING, MEASURE, NUMBER, STATE, TEXT, Column
from pipelines.contracts.states import State

STATUSES = FINDING.by_name["status"].allowed
ENDED = ("closed", "rejected")
"""Statuses after which nothing is to be done any more."""
STATUS_BY_DECISION = {
    "explained": "explained",
    "accepted": "closed",
    "rejected": "rejected",
    "not_applicable": "rejected",
    "listed": "open",
}
"""What a ruling makes of a finding; an override names the status itself, an appeal that was upheld takes the finding back."""
CHAIN_STATES = (
    "no_measure", "screened_out", "planned", "overdue", "in_progress", "implemented_unverified", "verified", "negative", "not_verifiable",
)  # fmt: skip
NOTHING = "-"

FINDING_STATUS = Result(
    "finding",
    "One row per finding of the audit, with its status after people's decisions",
    (Column("finding_id", TEXT, "Finding (record finding).", required=True),),
    (
        ENTERPRISE,
        *(FINDING.by_name[name] for name in ("subject_kind", "subject_id", "found_on", "phase", "cause_code", "item_code", "quantity", "unit", "severity", "due_on")),
        Column("status", TEXT, "Status that holds.", required=True, allowed=STATUSES),
        Column("status_by_auditor", TEXT, "Status as the auditor left it.", required=True, allowed=STATUSES),
        Column("status_since", DATE, "Local date of the decision or the closing behind the status; null where it is as found."),
        Column("closed_on", DATE, "Local date on which it ended; null while it has not."),
        Column("decided_by", TEXT, "Role of who changed the status; null where nobody did."),
        Column("independence", TEXT, "What that reviewer says of ties to the enterprise."),
        Column("review_id", TEXT, "Decision behind the status."),
        Column("appeal_state", TEXT, "none, pending, upheld or dismissed.", allowed=("none", "pending", "upheld", "dismissed")),
        Column("opinions", COUNT, "Opinions given on it."),
        Column("is_overdue", BOOL, "Whether its date has passed and it has not ended.", required=True),
        Column("measures", COUNT, "Measures that answer it.", required=True),
        Column("description", TEXT, "What was found."),
        STATE,
    ),
)  # fmt: skip
FINDING_PARETO = Result(
    "finding_pareto",
    "One row per dimension (cause, item or enterprise) and code: how many findings, in descending order",
    (
        Column("dimension", TEXT, "What is counted by.", required=True, allowed=("cause", "item", "enterprise")),
        Column("code", TEXT, "Cause code, item code or enterprise; `-` where the finding names none.", required=True),
    ),
    (
        Column("findings", COUNT, "Findings that were not rejected.", required=True),
        Column("open_findings", COUNT, "Of them those that have not ended.", required=True),
        Column("share", NUMBER, "Share of all findings, 0 to 1."),
        Column("cumulative_share", NUMBER, "Share of this and all codes before it."),
        Column("position", COUNT, "Rank by findings, from 1; equal counts in the order of their codes.", required=True),
        STATE,
    ),
)
FINDING_CHAIN = Result(
    "finding_chain",
    "One row per finding and measure that answers it: finding, measure, status, verified effect",
    (
        Column("finding_id", TEXT, "Finding; `-` for a measure that answers none.", required=True),
        Column("measure_id", TEXT, "Measure; `-` for a finding that no measure answers.", required=True),
    ),
    (
        ENTERPRISE,
        Column("finding_status", TEXT, "Status of the finding.", allowed=STATUSES),
        Column("cause_code", TEXT, "Direction of the eight that the finding's cause lies in.", allowed=CAUSE_CODES),
        *(replace(MEASURE.by_name[name], required=False) for name in ("measure_class", "cost_class")),
        Column("measure_status", TEXT, "Status of the measure.", allowed=MEASURE.by_name["status"].allowed),
        Column("due_on", DATE, "Local date by which the measure is to be in place."),
        Column("completed_on", DATE, "First local date on which it was in operation."),
        Column("promised_item", TEXT, "Item that it promised to save."),
        Column("promised_quantity", NUMBER, "Promised saving per year, in `promised_unit`."),
        Column("promised_unit", TEXT, "Unit of the promise."),
        Column("annual_saving_quantity", NUMBER, "Verified saving of a year, in `saving_unit`; null where nothing is verified, or meters count in different units."),
        Column("saving_unit", TEXT, "Unit of the verified saving."),
        Column("npv_cny", NUMBER, "Net present value of the measure, CNY."),
        Column("payback_years", NUMBER, "Payback of the measure, years."),
        Column("chain_state", TEXT,
               "no_measure; screened_out; planned; overdue; in_progress; implemented_unverified; verified; negative; not_verifiable.",
               required=True, allowed=CHAIN_STATES),
        STATE,
    ),
    audience="enterprise",
)  # fmt: skip


def follow_findings(frames: Frames, context: Context) -> Outcome:
    """Findings with their status, what they are caused by, and what became of each."""
    statuses = with_status(frames["findings"], frames["measures"], frames["reviews"], context.today)
    chain = chains(statuses, frames["measures"], frames["effects"], frames["economics"], context.today)
    open_ = statuses.filter(~pl.col("status").is_in(ENDED)).height
    message = f"{statuses.height} findings, {open_} open, {int(statuses['is_overdue'].sum())} of them overdue"
    wrong = frames["reviews"].filter(
        (pl.col("about") == FINDING_STATUS.name)
        & (pl.col("decision") == "override")
        & ~pl.col("value_text").is_in(STATUSES).fill_null(False)
    )
    warnings = [
        f"review {review}: {value!r} is no status of a finding ({', '.join(STATUSES)})"
        for review, value in wrong.select("review_id", "value_text").iter_rows()
    ]
    return Outcome(
        {FINDING_STATUS.name: statuses, FINDING_PARETO.name: pareto(statuses), FINDING_CHAIN.name: chain}, message, tuple(warnings)
    )


def with_status(findings: pl.DataFrame, measures: pl.DataFrame, reviews: pl.DataFrame, today: date) -> pl.DataFrame:
    """The status of each finding: the auditor's, or what people decided since."""
    decisions = current_decisions(reviews, FINDING_STATUS.name, today)
    overridden = pl.when((pl.col("decision") == "override") & pl.col("value_text").is_in(STATUSES)).then(pl.col("value_text"))
    ruled = pl.coalesce(
        overridden, pl.col("decision").replace_strict(STATUS_BY_DECISION, default=None, return_dtype=pl.String),
        # an upheld appeal with nothing decided since: the finding does not stand
        pl.when((pl.col("appeal_state") == "upheld") & pl.col("decision").is_null()).then(pl.lit("rejected")),
    )  # fmt: skip
    answering = measures.drop_nulls("finding_id").group_by("finding_id").agg(measures=pl.len())
    rows = (
        findings.rename({"finding_id": "subject_key", "status": "status_by_auditor", "closed_on": "recorded_closed_on"})
        .join(decisions, on="subject_key", how="left", maintain_order="left")
        .with_columns(ruled=ruled)
        .with_columns(
            status=pl.coalesce("ruled", "status_by_auditor"),
            since=pl.when(pl.col("ruled").is_null())
            .then(pl.col("recorded_closed_on"))
            .when(pl.col("decision").is_null())
            .then(pl.col("appeal_decided_on"))
            .otherwise(pl.col("decided_on")),
            finding_id="subject_key",
        )
        .join(answering, on="finding_id", how="left", maintain_order="left")
    )
    has_ended = pl.col("status").is_in(ENDED)
    is_ruled = pl.col("ruled").is_not_null()
    return rows.with_columns(
        status_since=pl.col("since"),
        closed_on=pl.when(has_ended).then(pl.coalesce("since", "recorded_closed_on")),
        is_overdue=(pl.col("due_on") < today).fill_null(False) & ~has_ended,
        decided_by=pl.when(is_ruled).then(pl.col("decided_by")),
        independence=pl.when(is_ruled).then(pl.col("independence")),
        review_id=pl.when(is_ruled).then(pl.col("review_id")),
        appeal_state=pl.col("appeal_state").fill_null("none"),
        opinions=pl.col("opinions").fill_null(0),
        measures=pl.col("measures").fill_null(0),
        state=pl.lit(State.SELF_REPORTED.value),
    ).select(FINDING_STATUS.empty().columns).sort("finding_id")  # fmt: skip


def pareto(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings by cause, by item and by enterprise, most frequent first; what was rejected was none."""
    stands = findings.filter(pl.col("status") != "rejected")
    parts = []
    for dimension, column in (("cause", "cause_code"), ("item", "item_code"), ("enterprise", "enterprise_id")):
        counted = (
            stands.group_by(pl.col(column).fill_null(NOTHING).alias("code"))
            .agg(findings=pl.len(), open_findings=(~pl.col("status").is_in(ENDED)).sum())
            .sort("findings", "code", descending=[True, False])
        )
        parts.append(
            counted.with_columns(
                dimension=pl.lit(dimension),
                share=pl.col("findings") / pl.col("findings").sum(),
                cumulative_share=pl.col("findings").cum_sum() / pl.col("findings").sum(),
                position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
                state=pl.lit(State.SELF_REPORTED.value),
            )
        )
    return pl.concat(parts).select(FINDING_PARETO.empty().columns)


def chains(findings: pl.DataFrame, measures: pl.DataFrame, effects: pl.DataFrame, economics: pl.DataFrame, today: date) -> pl.DataFrame:
    """Finding → measure → status → verified effect. A link that is not there is `-`, never a row that is left out."""
    links = findings.select("finding_id", finding_status="status", finding_cause="cause_code", finding_enterprise="enterprise_id")
    measured = (
        measures.rename({"status": "measure_status", "unit": "promised_unit"})
        .join(_effect_of_measures(effects), on="measure_id", how="left", maintain_order="left")
        .join(economics.select("measure_id", "npv_cny", "payback_years"), on="measure_id", how="left", maintain_order="left")
        .with_columns(pl.col("finding_id").fill_null(NOTHING))
    )
    answered = measured.join(links, on="finding_id", how="left", maintain_order="left").with_columns(
        # a measure that names a finding nobody delivered answers none that is known
        finding_id=pl.when(pl.col("finding_status").is_null()).then(pl.lit(NOTHING)).otherwise(pl.col("finding_id"))
    )
    unanswered = links.join(measured, on="finding_id", how="anti").with_columns(measure_id=pl.lit(NOTHING))
    rows = pl.concat([answered, unanswered], how="diagonal_relaxed")
    is_done = pl.col("measure_status") == "implemented"
    state = (
        pl.when(pl.col("measure_id") == NOTHING)
        .then(pl.lit("no_measure"))
        .when(pl.col("measure_status").is_in(["screened_out", "abandoned"]))
        .then(pl.lit("screened_out"))
        .when(is_done & pl.col("effect").is_null())
        .then(pl.lit("implemented_unverified"))
        .when(is_done)
        .then(pl.col("effect"))
        .when(pl.col("due_on") < today)
        .then(pl.lit("overdue"))
        .when(pl.col("measure_status") == "in_progress")
        .then(pl.lit("in_progress"))
        .otherwise(pl.lit("planned"))
    )
    known = pl.when(pl.col("effect").is_in(["verified", "negative"]) & is_done).then(pl.lit(State.MEASURED.value))
    return rows.with_columns(
        enterprise_id=pl.coalesce("enterprise_id", "finding_enterprise"),
        cause_code=pl.coalesce("finding_cause", "cause_code"),
        annual_saving_quantity=pl.when(is_done).then(pl.col("annual_saving_quantity")),
        chain_state=state,
        state=known.when(pl.col("measure_id") == NOTHING).then(pl.lit(State.MISSING.value)).otherwise(pl.lit(State.SELF_REPORTED.value)),
    ).select(FINDING_CHAIN.empty().columns).sort("finding_id", "measure_id")  # fmt: skip


def _effect_of_measures(effects: pl.DataFrame) -> pl.DataFrame:
    """One word a measure: negative where a meter says so, verified where one does, else not verifiable. Sums stay within a unit."""
    words = pl.col("decision")
    counts = effects.filter(pl.col("counts_in_total") & (pl.col("decision") != "not_verifiable"))
    sums = counts.group_by("measure_id").agg(
        annual_saving_quantity=pl.when(pl.col("unit").n_unique() == 1).then(pl.col("annual_saving_quantity").sum()).first(),
        saving_unit=pl.when(pl.col("unit").n_unique() == 1).then(pl.col("unit").first()).first(),
    )
    word = (
        pl.when((words == "negative").any())
        .then(pl.lit("negative"))
        .when((words == "verified").any())
        .then(pl.lit("verified"))
        .otherwise(pl.lit("not_verifiable"))
    )
    return effects.group_by("measure_id").agg(effect=word.first()).join(sums, on="measure_id", how="left").sort("measure_id")


def _plot(axes: object, frames: Frames) -> None:
    """Findings by cause, and their cumulated share."""
    causes = frames[FINDING_PARETO.name].filter(pl.col("dimension") == "cause").sort("position")
    axes.bar(causes["code"].to_list(), causes["findings"].to_list())
    axes.tick_params(axis="x", labelrotation=30, labelsize="small")
    axes.set_ylabel("findings")
    shares = axes.twinx()
    shares.plot(causes["code"].to_list(), causes["cumulative_share"].to_list(), color="black", marker="o")
    shares.set_ylim(0, 1.05)
    shares.set_ylabel("cumulated share")


FINDINGS = Method(
    name="finding",
    version="1",
    description="Findings after people's decisions, their causes (原因分析), and the chain from finding to verified effect.",
    reads={
        "findings": Source.of(
            "staging.stg_findings",
            "finding_id, enterprise_id, subject_kind, subject_id, found_on, phase, cause_code, item_code, quantity, unit, severity, due_on, "
            "status, closed_on, description",
        ),
        "measures": Source.of(
            "staging.stg_measures",
            "measure_id, enterprise_id, finding_id, measure_class, cost_class, cause_code, status, due_on, completed_on, promised_item, "
            "promised_quantity, unit",
        ),
        "effects": Source.of("assessment.measure_effect", "measure_id, decision, annual_saving_quantity, unit, counts_in_total"),
        "economics": Source.of("assessment.measure_economics", "measure_id, npv_cny, payback_years"),
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(FINDING_STATUS, FINDING_PARETO, FINDING_CHAIN),
    run=follow_findings,
    plot=_plot,
)
