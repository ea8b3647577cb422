"""The two books of what enterprises of the park deliver to each other: steam and water by meters and by declarations, waste by manifests.

What the sender wrote down and what the receiver did must be the same; that they differ is a finding of its own, whichever is right.
Who delivers to whom is the register's and the marts' word. Pure functions, frame in and frame out.
"""

from collections.abc import Mapping

import polars as pl

from pipelines.assessment.balance_figures import SHARES
from pipelines.assessment.method import Result
from pipelines.assessment.uncertainty import with_uncertainty
from pipelines.contracts.records import DATE, NUMBER, STATE, TEXT, Column
from pipelines.contracts.states import State

SEVERAL = "-"
"""Stands for all registered senders or receivers of an item, where declarations do not say to whom."""
BOOKS = ("metered", "declared", "manifest")
VERDICTS = ("agree", "differ", "one_book", "not_comparable")

_KEY = ("books", "period_type", "period_start", "period_end", "from_enterprise_id", "to_enterprise_id", "source_id", "item_code")

TRANSFER_BALANCE = Result(
    "transfer_balance",
    "One row per kind of books, period, sender, receiver, place and item that goes from one to the other",
    (
        Column("books", TEXT, "metered (meters of both), declared (self-reports of both), or manifest (联单).", required=True, allowed=BOOKS),
        Column("period_type", TEXT, "calendar_year, rolling_12m, year_to_date or audit_period.", required=True),
        Column("period_start", DATE, "First local date of the period.", required=True),
        Column("period_end", DATE, "First local date after the period.", required=True),
        Column("from_enterprise_id", TEXT, "Sender; `-` for all registered senders of the item.", required=True),
        Column("to_enterprise_id", TEXT, "Receiver; `-` for all registered receivers of the item.", required=True),
        Column("source_id", TEXT, "Point that measures the delivery; `-` where there is none.", required=True),
        Column("item_code", TEXT, "Item, or waste code.", required=True),
    ),
    (
        Column("unit", TEXT, "Unit of the quantities."),
        Column("sent", NUMBER, "By the sender's book, in `unit`; null where it has none."),
        Column("received", NUMBER, "By the receiver's book, in `unit`; null where it has none."),
        Column("unconfirmed", NUMBER, "Of manifests: sent and not confirmed by the receiver, in `unit`; in neither book."),
        Column("difference", NUMBER, "sent − received, in `unit`."),
        Column("difference_share", NUMBER, "The same as a share of what was sent."),
        Column("uncertainty", NUMBER, "Combined expanded uncertainty (k = 2) of the difference, in `unit`."),
        Column("verdict", TEXT, "agree: within the uncertainty; differ; one_book: the other has none, or took over the sender's figure; not_comparable: what is declared as sent may have gone to others too.", required=True, allowed=VERDICTS),
        STATE,
    ),
)  # fmt: skip


def transfer_books(
    periods: pl.DataFrame, frames: Mapping[str, pl.DataFrame], kinds: pl.DataFrame, uncertainties: pl.DataFrame
) -> pl.DataFrame:
    """All transfers of every period, judged.

    Args:
        periods: `period_type, period_start, period_end`. kinds: `item_code, item_kind`.
        frames: `eliminations`, `declarations`, `flow_links`, `points`, `waste`, as the method reads them.
        uncertainties: rows of reference.balance_uncertainty in force.
    """
    metered = _metered(frames["eliminations"], periods)
    declared = _declared(frames["declarations"], _links(frames["flow_links"], frames["points"]), periods)
    manifests = _manifests(frames["waste"], periods)
    rows = pl.concat([metered, declared, manifests], how="diagonal").join(kinds, on="item_code", how="left")
    return _judged(rows, uncertainties).select(TRANSFER_BALANCE.empty().columns).sort(_KEY)


def _metered(eliminations: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """Deliveries among members, as the park's totals leave them out. A receiver without a meter of its own took over the sender's figure."""
    internal = eliminations.filter(pl.col("elimination_kind") == "internal_transfer")
    return (
        _in_periods(internal, periods, "month_start_date")
        .group_by(*_KEY[1:6], pl.col("source_id").fill_null(SEVERAL), "item_code", "unit", maintain_order=True)
        .agg(sent=_sum("sent"), received=_sum("received"))
        .with_columns(
            books=pl.lit("metered"),
            state=pl.lit(State.MEASURED.value),
            # One meter gives both books to the last digit; two never do.
            has_two=pl.col("sent").is_not_null() & pl.col("received").is_not_null() & (pl.col("sent") != pl.col("received")),
        )
    )


def _declared(declarations: pl.DataFrame, links: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """What the registered senders of an item declare to have sent, and its registered receivers to have received, all together."""
    senders = links.select("item_code", enterprise_id="sender_id").unique()
    receivers = links.select("item_code", enterprise_id="receiver_id").unique()
    whole = declarations.filter(pl.col("process_id").is_null())
    yearly = pl.col("period_type") == "calendar_year"
    in_period = _in_periods(whole, periods, "period_start").filter(
        (yearly & (pl.col("grain") == "year")) | (~yearly & (pl.col("grain") == "month"))
    )
    key = ["period_type", "period_start", "period_end", "item_code", "unit"]
    sent = in_period.filter(pl.col("medium") == "sent").join(senders, on=["item_code", "enterprise_id"], how="semi")
    received = in_period.filter(pl.col("medium") == "received").join(receivers, on=["item_code", "enterprise_id"], how="semi")
    books = (
        sent.group_by(key)
        .agg(sent=_sum("value"))
        .join(received.group_by(key).agg(received=_sum("value")), on=key, how="full", coalesce=True)
    )
    return books.with_columns(
        from_enterprise_id=pl.lit(SEVERAL),
        to_enterprise_id=pl.lit(SEVERAL),
        source_id=pl.lit(SEVERAL),
        books=pl.lit("declared"),
        state=pl.lit(State.SELF_REPORTED.value),
        has_two=pl.col("sent").is_not_null() & pl.col("received").is_not_null(),
    )


def _manifests(waste: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """Lines that went to another member: by the generator's book, and by the receiver's where it confirmed them."""
    moved = waste.filter(pl.col("receiver_id").is_not_null() & pl.col("movement").is_in(["transferred", "recycled", "disposed"]))
    confirmed = pl.col("received_t").is_not_null()
    return (
        _in_periods(moved, periods, "moved_on")
        .group_by(
            "period_type", "period_start", "period_end", from_enterprise_id="enterprise_id", to_enterprise_id="receiver_id",
            item_code="waste_code", maintain_order=True,
        )
        .agg(
            sent=pl.when(confirmed.any()).then(pl.col("quantity_t").filter(confirmed).sum()).otherwise(pl.col("quantity_t").sum()),
            received=_sum("received_t"),
            unconfirmed=pl.col("quantity_t").filter(~confirmed).sum(),
            has_two=confirmed.any(),
        )
        .with_columns(unit=pl.lit("t"), source_id=pl.lit(SEVERAL), books=pl.lit("manifest"), state=pl.lit(State.SELF_REPORTED.value))
    )  # fmt: skip


def _judged(rows: pl.DataFrame, uncertainties: pl.DataFrame) -> pl.DataFrame:
    """Differences, and whether they are larger than what both books are uncertain by."""
    shares = [(pl.col("state") == share).cast(pl.Float64).alias(f"{share}_share") for share in SHARES]
    source = pl.when(pl.col("books") == "manifest").then(pl.lit("waste")).otherwise(pl.lit("consumption"))
    uncertain = rows.with_columns(*shares, source=source)
    for book in ("sent", "received"):
        uncertain = with_uncertainty(uncertain.with_columns(amount=pl.col(book)), uncertainties).rename(
            {"uncertainty": f"{book}_uncertainty"}
        )
    both = pl.when("has_two")
    combined = (pl.col("sent_uncertainty").pow(2) + pl.col("received_uncertainty").pow(2)).sqrt()
    judged = uncertain.with_columns(
        difference=both.then(pl.col("sent") - pl.col("received")),
        uncertainty=both.then(combined),
    )
    verdict = (
        pl.when(~pl.col("has_two"))
        .then(pl.lit("one_book"))
        .when(pl.col("difference").abs() <= pl.col("uncertainty").fill_null(0.0))
        .then(pl.lit("agree"))
        # A declaration does not say to whom: more sent than the members received proves nothing, less does.
        .when((pl.col("books") == "declared") & (pl.col("difference") > 0))
        .then(pl.lit("not_comparable"))
        .otherwise(pl.lit("differ"))
    )
    return judged.with_columns(
        difference_share=pl.when(pl.col("sent") != 0).then(pl.col("difference") / pl.col("sent")),
        verdict=verdict,
        unconfirmed=pl.col("unconfirmed") if "unconfirmed" in judged.columns else pl.lit(None, dtype=pl.Float64),
    )


def _links(flow_links: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Who is registered to deliver an item to whom: `item_code, sender_id, receiver_id`."""
    owners = points.select("point_id", owner="enterprise_id").unique()
    sent = flow_links.join(owners.rename({"owner": "sender_id"}), on="point_id")
    arrived = sent.join(owners.rename({"point_id": "target_id", "owner": "point_owner"}), on="target_id", how="left")
    receiver = pl.when(pl.col("target_kind") == "enterprise").then("target_id").otherwise("point_owner")
    return arrived.select(item_code="medium", sender_id="sender_id", receiver_id=receiver).drop_nulls().unique()


def _in_periods(rows: pl.DataFrame, periods: pl.DataFrame, on: str) -> pl.DataFrame:
    """Rows once for every period that their date lies in."""
    dated = rows.rename({on: "_on"})
    return dated.join(periods, how="cross").filter((pl.col("_on") >= pl.col("period_start")) & (pl.col("_on") < pl.col("period_end")))


def _sum(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null().any()).then(pl.col(column).sum())
