"""What people have decided about a row of results or records, as of a day: one rule for every table that decisions reach.

Reviews are append-only; which of them counts is decided here. What a decision changes in a table (a status, a light, a
due date) stands with the method that computes the table.
"""

from datetime import date

import polars as pl

from pipelines.contracts.records import COUNT, DATE, TEXT

RULINGS = ("explained", "accepted", "rejected", "not_applicable", "override", "listed", "delisted")
"""Decisions that can change a row. An opinion is shown and changes nothing; an appeal has a state of its own."""
APPEAL_STATES = {"appealed": "pending", "appeal_upheld": "upheld", "appeal_dismissed": "dismissed"}
NO_APPEAL = "none"
OWN_ROLE = "enterprise"
"""Whoever decides about itself: it may explain and appeal, and cannot set another's decision aside."""
OWN_RULINGS = ("explained",)

REVIEW_COLUMNS = (
    "review_id, about, subject_key, enterprise_id, decided_on, decision, value_text, role, independence, valid_to, evidence_sha256"
)
"""What a method reads of `staging.stg_reviews`."""

DECISIONS = pl.Schema(
    {
        "subject_key": TEXT, "decision": TEXT, "value_text": TEXT, "decided_on": DATE, "decision_valid_to": DATE, "decided_by": TEXT,
        "independence": TEXT, "review_id": TEXT, "evidence_sha256": TEXT,
        "appeal_state": TEXT, "appealed_on": DATE, "appeal_decided_on": DATE, "opinions": COUNT,
    }
)  # fmt: skip
"""One row per subject of which anything was decided, said or appealed."""


def subject_key(*columns: str) -> pl.Expr:
    """The name by which reviews know a row: its key columns joined with ` / `, park_id left out."""
    return pl.concat_str(*(pl.col(name).cast(pl.String) for name in columns), separator=" / ")


def current_decisions(reviews: pl.DataFrame, about: str, today: date) -> pl.DataFrame:
    """The decision that holds on each row of a table today, and the state of an appeal against it.

    * A later ruling sets an earlier one aside for good; on one day the one entered last (by `review_id`) counts.
    * The enterprise's own explanation counts while nobody else's ruling is in force, and sets none aside.
    * A ruling that has lapsed (`valid_to`) holds no longer, and does not bring back the one it had set aside.
    * An appeal that was upheld sets aside every ruling of an earlier day; only others than the enterprise decide appeals.

    Args:
        reviews: REVIEW_COLUMNS of `staging.stg_reviews`.
        about: Table that the reviews are about.
        today: The park's calendar day; decisions of later days are not known yet.

    Returns:
        Columns of DECISIONS, one row per `subject_key`, sorted; `decision` is null where no ruling is in force.
    """
    own = pl.col("role") == OWN_ROLE
    known = (
        reviews.filter((pl.col("about") == about) & (pl.col("decided_on") <= today))
        .sort("subject_key", "decided_on", "review_id")
        .with_columns(is_own=own)
    )
    appeals = known.filter(
        pl.col("decision").is_in(list(APPEAL_STATES)) & (~pl.col("is_own") | (pl.col("decision") == "appealed"))
    ).group_by("subject_key", maintain_order=True)
    appeals = appeals.agg(
        appeal_state=pl.col("decision").last().replace_strict(APPEAL_STATES, return_dtype=pl.String),
        appealed_on=pl.col("decided_on").filter(pl.col("decision") == "appealed").last(),
        appeal_decided_on=pl.col("decided_on").filter(pl.col("decision") != "appealed").last(),
        upheld_on=pl.col("decided_on").filter(pl.col("decision") == "appeal_upheld").last(),
    )
    permitted = pl.col("decision").is_in(list(RULINGS)) & (~pl.col("is_own") | pl.col("decision").is_in(list(OWN_RULINGS)))
    in_force = (pl.col("valid_to").is_null() | (pl.col("valid_to") > today)) & (
        pl.col("upheld_on").is_null() | (pl.col("decided_on") >= pl.col("upheld_on"))
    )
    rulings = (
        known.filter(permitted)
        .unique(["subject_key", "is_own"], keep="last", maintain_order=True)
        .join(appeals, on="subject_key", how="left", maintain_order="left")
        .filter(in_force)
        .sort("subject_key", "is_own")
        .unique("subject_key", keep="first", maintain_order=True)
        .select(
            "subject_key", "decision", "value_text", "decided_on", "independence", "review_id", "evidence_sha256",
            decision_valid_to="valid_to", decided_by="role",
        )
    )  # fmt: skip
    opinions = known.group_by("subject_key").agg(opinions=(pl.col("decision") == "opinion").sum().cast(COUNT))
    return (
        opinions.join(rulings, on="subject_key", how="left")
        .join(appeals, on="subject_key", how="left")
        .with_columns(pl.col("appeal_state").fill_null(NO_APPEAL))
        .sort("subject_key")
        .select(pl.col(name).cast(dtype) for name, dtype in DECISIONS.items())
    )
