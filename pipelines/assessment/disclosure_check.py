"""What enterprises disclose to the public (环境信息依法披露) against what the system knows, and who has looked at it.

A figure is consistent or it deviates; it is verified only when somebody independent of the enterprise has accepted it, and what rests on the
enterprise's own declarations cannot verify a disclosure. Tolerances are rows of the standards.
"""

import polars as pl

from pipelines.assessment.columns import MEASURED_SHARE, VERIFICATION
from pipelines.assessment.decisions import OWN_ROLE, REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.monitored import SOURCES, ledgers, monthly, over_periods
from pipelines.assessment.third_values import KEY as VALUE_KEY
from pipelines.contracts.records import COUNT, DATE, INSTANT, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import State

ABOUT = "disclosure_check"
KEY = ("subject_kind", "subject_id", "item_code", "medium", "period_start", "period_end")
STATES = ("verified", "consistent", "deviates", "disputed", "not_verifiable", "missing")
ANY = "*"
_NEAR = 1e-9


def disclosed(reports: pl.DataFrame) -> pl.DataFrame:
    """Disclosed figures, lines of one report added up: KEY, `enterprise_id, disclosed_value, unit, submitted_at_utc, due_at_utc, submission_no, delivery_ids`."""
    return (
        reports.filter(pl.col("report_kind") == "disclosure")
        .group_by(KEY, maintain_order=True)
        .agg(
            enterprise_id=pl.col("enterprise_id").first(),
            disclosed_value=pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").sum()),
            unit=pl.col("unit").drop_nulls().first(),
            submitted_at_utc=pl.col("submitted_at_utc").max(),
            due_at_utc=pl.col("due_at_utc").max(),
            submission_no=pl.col("submission_no").max(),
            delivery_ids=pl.col("delivery_id").drop_nulls().unique().sort(),
        )
    )


def with_tolerance(rows: pl.DataFrame, tolerances: pl.DataFrame) -> pl.DataFrame:
    """The tolerance that names item or kind most closely: rows with `tolerance_share, verification_status`."""
    rules = tolerances.select("tolerance_share", "verification_status", rule_kind="item_kind", rule_item="item_code")
    closeness = (pl.col("rule_item") != ANY).cast(pl.Int8) * 2 + (pl.col("rule_kind") != ANY).cast(pl.Int8)
    numbered = rows.with_row_index("_at")
    fits = ((pl.col("rule_kind") == ANY) | (pl.col("rule_kind") == pl.col("item_kind")).fill_null(False)) & (
        (pl.col("rule_item") == ANY) | (pl.col("rule_item") == pl.col("item_code"))
    )
    best = (
        numbered.select("_at", "item_kind", "item_code")
        .join(rules, how="cross")
        .filter(fits)
        .sort("_at", closeness, descending=[False, True])
        .unique("_at", keep="first", maintain_order=True)
        .select("_at", "tolerance_share", "verification_status")
    )
    return numbered.join(best, on="_at", how="left").drop("_at")


def judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Deviation, and what may be said of each disclosure.

    Args:
        rows: `disclosed_value, system_value, is_whole` (whether the system knows the whole period from a capture that is enough),
            `tolerance_share, decision, decided_by, independence`.

    Returns:
        rows with `difference, deviation, verification_state`.
    """
    difference = pl.col("disclosed_value") - pl.col("system_value")
    deviation = pl.when(pl.col("system_value") != 0).then(difference / pl.col("system_value"))
    within = (
        pl.when(pl.col("system_value") == 0)
        .then(pl.col("disclosed_value") == 0)
        .otherwise(deviation.abs() <= pl.col("tolerance_share") + _NEAR)
    )
    by_another = pl.col("decided_by").is_not_null() & (pl.col("decided_by") != OWN_ROLE)
    independent = by_another & (pl.col("independence") == "independent")
    # Less than what even a part of the period amounts to is less than the whole.
    can_be_compared = pl.col("system_value").is_not_null() & (
        pl.col("is_whole") | ((pl.col("disclosed_value") < pl.col("system_value")) & ~within.fill_null(False))
    )
    state = (
        pl.when(pl.col("disclosed_value").is_null())
        .then(pl.lit("missing"))
        .when((pl.col("decision") == "rejected") & by_another)
        .then(pl.lit("disputed"))
        .when(~can_be_compared.fill_null(False))
        .then(pl.lit("not_verifiable"))
        .when(~within.fill_null(False))
        .then(pl.lit("deviates"))
        .when((pl.col("decision") == "accepted") & independent)
        .then(pl.lit("verified"))
        .otherwise(pl.lit("consistent"))
    )
    return rows.with_columns(difference=difference, deviation=deviation, verification_state=state)


DISCLOSURE_CHECK = Result(
    "disclosure_check",
    "One row per subject, item, medium and period that an enterprise has disclosed, or must",
    (
        Column("subject_kind", TEXT, "enterprise, process, outlet or product.", required=True),
        Column("subject_id", TEXT, "Which one.", required=True),
        Column("item_code", TEXT, "Pollutant, item or product (reference.parameter).", required=True),
        Column("medium", TEXT, "Where the quantity went or came from.", required=True),
        Column("period_start", DATE, "First local date of the period.", required=True),
        Column("period_end", DATE, "First local date after it.", required=True),
    ),
    (
        Column("enterprise_id", TEXT, "Enterprise."),
        Column("subject_key", TEXT, "How a review names this row.", required=True),
        Column("disclosed_value", NUMBER, "Disclosed, in `unit`; null where the disclosure is due and missing."),
        Column("system_value", NUMBER, "By monitors, meters or ledgers, in `unit`; null where the system knows it from declarations only, or not at all."),
        Column("unit", TEXT, "Unit of both."),
        Column("difference", NUMBER, "disclosed − system, in `unit`."),
        Column("deviation", NUMBER, "The same as a share of the system's."),
        Column("tolerance_share", NUMBER, "Largest deviation without sign that is consistent."),
        Column(
            "verification_state",
            TEXT,
            "verified: within the tolerance, and accepted by a reviewer who states independence; consistent: within it; deviates; disputed: a reviewer rejected it; not_verifiable: nothing independent stands beside it; missing: due and not there.",
            required=True,
            allowed=STATES,
        ),
        Column("verifier_role", TEXT, "Role of who decided last; never a name."),
        Column("independence", TEXT, "What the verifier says of ties to the enterprise."),
        Column("decided_on", DATE, "Local date of the decision."),
        Column("review_id", TEXT, "Decision."),
        Column("evidence_sha256", TEXT, "Hash of the verifier's document."),
        Column("disclosure_sha256", TEXTS, "Hashes of the files that the disclosure came in."),
        Column("months", COUNT, "Months of the period; null where it is not made of whole months."),
        Column("m_months", COUNT, "Months of it that the system knows."),
        Column("capture_share", NUMBER, "Share of the period's time that monitoring covers, 0 to 1."),
        Column("substituted_share", NUMBER, "Share of system_value that was substituted."),
        Column("submission_no", COUNT, "Number of the submission."),
        Column("submitted_at_utc", INSTANT, "When it was submitted, UTC."),
        Column("due_at_utc", INSTANT, "When it was due, UTC."),
        MEASURED_SHARE,
        VERIFICATION,
        STATE,
    ),
)  # fmt: skip


def check_disclosures(frames: Frames, context: Context) -> Outcome:
    """Every current disclosure of the park's enterprises."""
    today = context.today
    tolerances = in_force(frames["tolerances"], today, ["item_kind", "item_code"])
    numbers = dict(in_force(frames["numbers"], today, ["rule_code"]).select("rule_code", "value").iter_rows())
    kinds = (
        in_force(frames["parameters"], today)
        .select(item_code="parameter_code", item_kind="kind")
        .unique("item_code", keep="first", maintain_order=True)
    )
    rows = disclosed(frames["reports"].filter(pl.col("subject_kind") != "park"))
    wanted = rows.select(VALUE_KEY).unique(maintain_order=True)
    known = over_periods(wanted, monthly(frames["emission"], frames["consumption"], frames["production"], frames["methods"]))
    books = ledgers(wanted, frames["waste"]).select(*VALUE_KEY, "ledger_t")
    rows = rows.join(known, on=VALUE_KEY, how="left").join(books, on=VALUE_KEY, how="left").join(kinds, on="item_code", how="left")
    of_ledger = pl.col("m_value").is_null() & pl.col("ledger_t").is_not_null() & (pl.col("unit") == "t")
    enough = (pl.col("m_months") == pl.col("months")) & (pl.col("capture_share") >= numbers.get("min_capture_share", 0.0))
    rows = rows.with_columns(
        system_value=pl.when(of_ledger).then("ledger_t").when(pl.col("m_unit") == pl.col("unit")).then("m_value"),
        is_whole=of_ledger | enough.fill_null(False),
        subject_key=subject_key(*KEY),
    )
    decided = current_decisions(frames["reviews"], ABOUT, today).select(
        "subject_key", "decision", "decided_by", "independence", "decided_on", "review_id", "evidence_sha256"
    )
    rows = judged(with_tolerance(rows.join(decided, on="subject_key", how="left"), tolerances))
    hashes = (
        rows.select(*KEY, "delivery_ids")
        .explode("delivery_ids")
        .join(frames["deliveries"], left_on="delivery_ids", right_on="delivery_id")
        .group_by(KEY)
        .agg(disclosure_sha256=pl.col("sha256").unique().sort())
    )
    rows = rows.join(hashes, on=KEY, how="left").with_columns(
        verifier_role="decided_by",
        state=pl.when(pl.col("verification_state").is_in(["missing", "not_verifiable"]))
        .then(pl.lit(State.MISSING.value))
        .otherwise(pl.lit(State.SELF_REPORTED.value)),
    )
    counts = rows["verification_state"].value_counts().sort("verification_state")
    off = rows.filter(pl.col("verification_state").is_in(["deviates", "disputed"]))
    return Outcome(
        {DISCLOSURE_CHECK.name: rows.select(name for name in DISCLOSURE_CHECK.schema if name in rows.columns).sort(KEY)},
        ", ".join(f"{count} {name}" for name, count in counts.iter_rows()) or "nothing was disclosed",
        tuple(
            f"{subject}: disclosed {item} of {start} to {end} {state}"
            for subject, item, start, end, state in off.select(
                "subject_id", "item_code", "period_start", "period_end", "verification_state"
            ).iter_rows()
        ),
    )


_STANDARD = "valid_from, valid_to, verification_status, origin"

DISCLOSURE_CHECKS = Method(
    name="disclosure_check",
    version="disclosure-1",
    description="Disclosed figures (环境信息披露) against the system's, with who verified them and the hashes of both sides' documents.",
    reads={
        "reports": Source.of(
            "marts.self_reported",
            "subject_kind, subject_id, enterprise_id, item_code, medium, period_start, period_end, report_kind, value, unit, submission_no, "
            "submitted_at_utc, due_at_utc, delivery_id",
        ),
        **SOURCES,
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
        "deliveries": Source.of("audit.deliveries", "delivery_id, sha256"),
        "parameters": Source.of("reference.parameter", "parameter_code, kind, valid_from, valid_to"),
        "tolerances": Source.of("reference.disclosure_tolerance", f"item_kind, item_code, tolerance_share, {_STANDARD}"),
        "numbers": Source.of("reference.reconciliation_rule", f"rule_code, value, {_STANDARD}"),
    },
    results=(DISCLOSURE_CHECK,),
    run=check_disclosures,
)
