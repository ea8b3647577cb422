"""From figures to a balance: streams, signed closure, combined uncertainty, and what keeps a balance incomplete.

Pure functions, frame in and frame out. Which figures are streams and how well a balance must close are rows of the standards; where
figures come from stands in `balance_figures`.
"""

import polars as pl

from pipelines.assessment.balance_figures import SUBJECT
from pipelines.assessment.uncertainty import ANY
from pipelines.contracts.states import State

BALANCE = (*SUBJECT, "balance_kind", "component")
VERDICTS = ("accepted", "not_accepted", "incomplete", "too_short")

_NEAR = 1e-9
"""A ratio of floats that is a limit by hand may miss it by its last bits."""

WEAKEST_FIRST = (State.SELF_REPORTED, State.ESTIMATED, State.SUBSTITUTED, State.MEASURED)


# -- streams -----------------------------------------------------------------------------------------------------------------------------


def streams_of(figures: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Figures as streams: every rule that a figure meets, of the choices of a stream the first of which anything is known.

    A figure in another unit than the rule's cannot be added: it stays as a stream without quantity, and says so.

    Args:
        figures: FIGURES. rules: rows of reference.balance_stream in force.

    Returns:
        One row per balance, stream and figure: figures' columns, `balance_kind, component, side, stream_type, stream_id, choice,
        presence, by_item, amount` (in the balance's unit, null where unknown), `problem`.
    """
    by_measure = (
        rules.with_columns(measure=pl.col("measure").str.split("+"), subjects=pl.col("subjects").str.split(" "))
        .explode("measure")
        .explode("subjects")
        .rename({"subjects": "subject_kind", "item_kind": "rule_kind", "item_code": "rule_item", "component": "rule_component"})
        .drop("verification_status", "valid_from", "valid_to", "origin")
    )
    matched = figures.join(by_measure, on=["subject_kind", "source", "measure"]).filter(
        ((pl.col("rule_kind") == ANY) | (pl.col("rule_kind") == pl.col("item_kind")).fill_null(False))
        & ((pl.col("rule_item") == ANY) | (pl.col("rule_item") == pl.col("item_code")))
    )
    fits = (pl.col("from_unit") == ANY) | (pl.col("from_unit") == pl.col("unit")).fill_null(False)
    streams = matched.with_columns(
        component=pl.when(pl.col("rule_component") == ANY).then("item_code").otherwise("rule_component"),
        amount=pl.when(fits).then(pl.col("quantity") * pl.col("scale")),
        problem=pl.when(pl.col("quantity").is_null())
        .then(pl.format("{}: {} is not known", "stream_id", "item_code"))
        .when(~fits)
        .then(pl.format("{}: {} is counted in {}", "stream_id", "item_code", pl.col("unit").fill_null("no unit"))),
    )
    known = pl.col("choice").filter(pl.col("amount").is_not_null()).min()
    chosen = pl.coalesce(known, pl.col("choice").min()).over(*BALANCE, "stream_id")
    return streams.filter(pl.col("choice") == chosen).drop("rule_kind", "rule_item", "rule_component")


# -- balances ----------------------------------------------------------------------------------------------------------------------------


def balances_of(streams: pl.DataFrame, rules: pl.DataFrame, criteria: pl.DataFrame) -> pl.DataFrame:
    """Every balance that has its defining stream: what goes in and out, signed closure, and whether it is accepted.

        closure = (Σ in − Σ out) / Σ in        uncertainty² = Σ streams' uncertainty²

    Streams found by difference (`is_plug`) count in neither sum.

    Args:
        streams: from with_uncertainty. rules: rows of reference.balance_stream in force, for what must be there.
        criteria: rows of reference.balance_criterion in force.

    Returns:
        One row per balance with the columns of assessment.balance; `verdict` accepted, not_accepted, incomplete (a stream that must be
        there is missing or covers too little, see `missing_streams`).
    """
    counts = ~pl.col("is_plug") & pl.col("amount").is_not_null()
    amount = {side: pl.col("amount").filter(counts & (pl.col("side") == side)) for side in ("in", "out")}
    size = pl.col("amount").abs()
    rank = weakest_of_shares()
    sums = streams.group_by(BALANCE, maintain_order=True).agg(
        enterprise_id=pl.col("enterprise_id").first(),
        own_unit=pl.col("unit").first(),
        in_quantity=pl.when(amount["in"].len() > 0).then(amount["in"].sum()),
        out_quantity=pl.when(amount["out"].len() > 0).then(amount["out"].sum()),
        uncertainty=pl.when(pl.col("uncertainty").filter(counts).is_not_null().all()).then(
            pl.col("uncertainty").filter(counts).pow(2).sum().sqrt()
        ),
        plug_quantity=pl.when(pl.col("is_plug").any()).then(pl.col("amount").filter("is_plug").sum()),
        measured_share=pl.when(size.filter(counts).sum() > 0).then(
            (size * pl.col("measured_share")).filter(counts).sum() / size.filter(counts).sum()
        ),
        weakest=rank.filter(counts).min(),
        is_of_members=(pl.col("source") != "park_own").any(),
    )
    balances = (
        sums.join(_criteria_of(sums, criteria), on=BALANCE, how="left")
        .join(missing_streams(streams, rules, criteria), on=BALANCE, how="left")
        .join(_defined(streams), on=BALANCE, how="semi")
    )
    difference = pl.col("in_quantity") - pl.col("out_quantity")
    closure = pl.when(pl.col("in_quantity") != 0).then(difference / pl.col("in_quantity"))
    balances = balances.with_columns(
        pl.col("missing_streams").fill_null(pl.lit(pl.Series([[]], dtype=pl.List(pl.String))).first()),
        unit=pl.coalesce("unit", "own_unit"),
        difference=difference,
        closure=closure,
        closure_uncertainty=pl.when(pl.col("in_quantity") != 0).then(pl.col("uncertainty") / pl.col("in_quantity").abs()),
    )
    one_sided = pl.col("in_quantity").is_null() | pl.col("out_quantity").is_null() | pl.col("closure").is_null()
    incomplete = (pl.col("missing_streams").list.len() > 0) | one_sided
    verdict = (
        pl.when(incomplete)
        .then(pl.lit("incomplete"))
        .when(pl.col("closure").abs() <= pl.col("closure_limit") + _NEAR)
        .then(pl.lit("accepted"))
        .when(pl.col("closure_limit").is_not_null())
        .then(pl.lit("not_accepted"))
        .otherwise(pl.lit("incomplete"))
    )
    states = {at: state.value for at, state in enumerate(WEAKEST_FIRST)}
    return balances.with_columns(
        verdict=verdict,
        is_within_uncertainty=pl.when(pl.col("uncertainty").is_not_null()).then(pl.col("difference").abs() <= pl.col("uncertainty")),
        state=pl.when(incomplete)
        .then(pl.lit(State.MISSING.value))
        .otherwise(pl.col("weakest").replace_strict(states, default=State.MISSING.value, return_dtype=pl.String)),
    ).drop("own_unit", "weakest")


def missing_streams(streams: pl.DataFrame, rules: pl.DataFrame, criteria: pl.DataFrame) -> pl.DataFrame:
    """What keeps each balance incomplete: streams that must be there and are not, figures that are not known, and what covers too little.

    Returns:
        BALANCE and `missing_streams`, of balances that lack something.
    """
    must = rules.filter(pl.col("presence") != "optional")
    asked = (
        must.with_columns(subject_kind=pl.col("subjects").str.split(" "))
        .explode("subject_kind")
        .select("subject_kind", "balance_kind", "stream_id", pl.col("component").alias("rule_component"), "stream_type")
        .unique(maintain_order=True)
    )
    balances = streams.select(BALANCE).unique(maintain_order=True)
    known = streams.filter(pl.col("amount").is_not_null() & ~pl.col("is_plug"))
    of_component = (pl.col("rule_component") == pl.col("component")) | (pl.col("rule_component") == ANY)
    absent = (
        balances.join(asked, on=["subject_kind", "balance_kind"])
        # A component with rules of its own is not asked for what every item is.
        .filter(of_component & ((pl.col("rule_component") != ANY) | ~pl.col("component").is_in(rules["component"].unique().implode())))
        .join(known.select(*BALANCE, "stream_id").unique(), on=[*BALANCE, "stream_id"], how="anti")
        .select(*BALANCE, problem=pl.format("{} ({}) is not stated", "stream_id", "stream_type"))
    )
    # Of a stream that is stated item by item, those that went in and are not in it.
    taken_in = known.filter(pl.col("side") == "in").select(*BALANCE, "item_code").unique(maintain_order=True)
    stated = known.filter("by_item").select(*BALANCE, "stream_id", "item_code").unique()
    unstated = (
        known.filter("by_item")
        .select(*BALANCE, "stream_id")
        .unique(maintain_order=True)
        .join(taken_in, on=BALANCE)
        .join(stated, on=[*BALANCE, "stream_id", "item_code"], how="anti")
        .select(*BALANCE, problem=pl.format("{}: {} is not stated", "stream_id", "item_code"))
    )
    needed = pl.col("presence") != "optional"
    silent = streams.filter(needed & pl.col("problem").is_not_null()).select(*BALANCE, "problem")
    thin = (
        known.filter(needed)
        .join(_criteria_of(balances, criteria).select(*BALANCE, "min_coverage"), on=BALANCE, how="left")
        .filter(pl.col("coverage") < pl.col("min_coverage"))
        .select(
            *BALANCE,
            problem=pl.format(
                "{}: {} covers {} % of the period", "stream_id", "item_code", (pl.col("coverage") * 100).round(0).cast(pl.Int64)
            ),
        )
    )
    return (
        pl.concat([absent, unstated, silent, thin])
        .group_by(BALANCE, maintain_order=True)
        .agg(missing_streams=pl.col("problem").unique().sort())
    )


def _defined(streams: pl.DataFrame) -> pl.DataFrame:
    """Balances of which a defining stream is there, with a figure or in silence."""
    return streams.filter(pl.col("presence") == "defining").select(BALANCE).unique()


def _criteria_of(balances: pl.DataFrame, criteria: pl.DataFrame) -> pl.DataFrame:
    """The criterion of each balance: its component's own, else that of any."""
    columns = ["component_class", "unit", "closure_limit", "min_coverage", "min_hours", "min_batches", "verification_status"]
    own = criteria.filter(pl.col("component") != ANY).select("balance_kind", "component", *columns)
    any_other = criteria.filter(pl.col("component") == ANY).select("balance_kind", *(pl.col(name).alias(f"{name}_any") for name in columns))
    joined = balances.select(BALANCE).join(own, on=["balance_kind", "component"], how="left").join(any_other, on="balance_kind", how="left")
    is_own = pl.col("component_class").is_not_null()
    return joined.select(*BALANCE, *(pl.when(is_own).then(pl.col(name)).otherwise(pl.col(f"{name}_any")).alias(name) for name in columns))


def weakest_of_shares() -> pl.Expr:
    """Rank of a stream's weakest provenance, by WEAKEST_FIRST."""
    ranked = pl.lit(None, dtype=pl.Int64)
    for at, state in reversed(list(enumerate(WEAKEST_FIRST))):
        ranked = pl.when(pl.col(f"{state.value}_share").fill_null(0.0) > 0).then(pl.lit(at)).otherwise(ranked)
    return ranked


def judged_campaigns(balances: pl.DataFrame, windows: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Balances of campaigns with how long they measured; shorter than the hours and fewer than the batches asked for is `too_short`.

    Args:
        windows: campaigns with `campaign_id, starts_on, ends_on, enterprise_id`. rows: their figures, for the batches.
    """
    batches = rows.filter(pl.col("basis") == "batches").group_by("campaign_id").agg(batches=pl.col("counted").min())
    hours = (pl.col("ends_on") - pl.col("starts_on")).dt.total_hours().cast(pl.Float64)
    lengths = windows.join(batches, on="campaign_id", how="left").select(subject_id="campaign_id", hours=hours, batches="batches")
    is_campaign = pl.col("subject_kind") == "campaign"
    joined = balances.join(lengths.with_columns(subject_kind=pl.lit("campaign")), on=["subject_kind", "subject_id"], how="left")
    too_short = is_campaign & (pl.col("hours") < pl.col("min_hours")) & (pl.col("batches").fill_null(0) < pl.col("min_batches"))
    return joined.with_columns(
        verdict=pl.when((pl.col("verdict") != "incomplete") & too_short).then(pl.lit("too_short")).otherwise("verdict")
    )


def park_lacks(balances: pl.DataFrame) -> pl.DataFrame:
    """The park's balances, incomplete by what its members' are: a sum over some members is not the park's. Its own networks are its own."""
    members = balances.filter(pl.col("subject_kind") == "enterprise").explode("missing_streams").drop_nulls("missing_streams")
    key = ["period_type", "period_start", "period_end", "balance_kind", "component"]
    of_members = members.group_by(key, maintain_order=True).agg(
        of_members=pl.format("{}: {}", "enterprise_id", "missing_streams").unique(maintain_order=True).sort()
    )
    is_park = (pl.col("subject_kind") == "park") & pl.col("is_of_members")
    joined = balances.join(of_members, on=key, how="left").with_columns(
        missing_streams=pl.when(is_park & pl.col("of_members").is_not_null())
        .then(pl.concat_list("missing_streams", pl.col("of_members")))
        .otherwise("missing_streams")
    )
    lacks = is_park & (pl.col("missing_streams").list.len() > 0)
    return joined.with_columns(
        verdict=pl.when(lacks).then(pl.lit("incomplete")).otherwise("verdict"),
        state=pl.when(lacks).then(pl.lit(State.MISSING.value)).otherwise("state"),
    ).drop("of_members", "is_of_members")
