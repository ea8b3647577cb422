"""Obsolete equipment and processes (落后设备与工艺): dated lists, age against design life, and how far efficiency has drifted.

A match is what a list's pattern finds in the register; whether an exception of the list applies is for a person. Entries, design lives
and tolerances are rows of the standards. What replaces an obsolete asset belongs to the measures.
"""

from datetime import date

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.contracts.records import COUNT, DATE, NUMBER, STATE, TEXT, Column
from pipelines.contracts.states import State

VERDICTS = (
    "eliminated", "to_be_eliminated", "restricted", "encouraged", "possibly_listed",
    "past_design_life", "within_design_life", "drifted", "within_drift", "unknown",
)  # fmt: skip
ANY_KIND = "*"
_DAYS_OF_YEAR = 365.25


def assets_of(equipment: pl.DataFrame, processes: pl.DataFrame) -> pl.DataFrame:
    """Equipment and processes under the same names: `asset_kind, asset_id, enterprise_id, process_id, name, model, equipment_code,
    process_code, pieces, capacity, unit`."""
    pieces = equipment.select(
        "enterprise_id", "process_id", "name", "model", "equipment_code", "pieces", "capacity", "unit",
        asset_kind=pl.lit("equipment"), asset_id="equipment_id",
    )  # fmt: skip
    lines = processes.select("enterprise_id", "process_id", "name", "process_code", asset_kind=pl.lit("process"), asset_id="process_id")
    return pl.concat([pieces, lines], how="diagonal")


def listed(assets: pl.DataFrame, entries: pl.DataFrame, today: date) -> pl.DataFrame:
    """Assets that an entry of a list matches.

    An entry that holds up to a capacity needs to know it, in the entry's own unit; else the asset is `possibly_listed`.

    Args:
        assets: from assets_of. entries: rows of reference.obsolete in force.

    Returns:
        One row per asset and entry: columns of both, `verdict`, `days_overdue`.

    Raises:
        ValueError: a pattern is no regular expression.
    """
    matches = []
    for entry in entries.sort("list_id", "entry_id", "match_field", "match_pattern").iter_rows(named=True):
        of_kind = assets.filter(pl.col("asset_kind") == entry["asset_kind"])
        try:
            found = of_kind.filter(pl.col(entry["match_field"]).str.contains(entry["match_pattern"]))
        except pl.exceptions.ComputeError as error:
            where = f"reference.obsolete {entry['list_id']} / {entry['entry_id']}: match_pattern = {entry['match_pattern']!r}"
            raise ValueError(f"{where} is no regular expression: {error}") from error
        matches.append(found.with_columns(entry_at=pl.lit(len(matches), dtype=pl.UInt32)))
    if not matches:
        return assets.clear().join(entries.drop("asset_kind", "name").clear(), how="cross").with_columns(
            verdict=pl.lit(None, dtype=pl.String), days_overdue=pl.lit(None, dtype=pl.Int64)
        )  # fmt: skip
    numbered = entries.sort("list_id", "entry_id", "match_field", "match_pattern").with_row_index("entry_at")
    rows = pl.concat(matches).join(numbered.drop("asset_kind").rename({"name": "entry_name"}), on="entry_at").drop("entry_at")
    has_limit = pl.col("capacity_max").is_not_null()
    comparable = pl.col("capacity").is_not_null() & (pl.col("unit") == pl.col("capacity_unit"))
    inside = (pl.col("capacity") < pl.col("capacity_max")) | (pl.col("is_max_included") & (pl.col("capacity") == pl.col("capacity_max")))
    is_eliminated = pl.col("category") == "eliminated"
    verdict = (
        pl.when(has_limit & ~comparable.fill_null(False))
        .then(pl.lit("possibly_listed"))
        .when(is_eliminated & (pl.col("deadline") > today))
        .then(pl.lit("to_be_eliminated"))
        .otherwise(pl.col("category"))
    )
    overdue = pl.when(is_eliminated & (pl.col("deadline") <= today)).then((pl.lit(today) - pl.col("deadline")).dt.total_days())
    # An entry may have several patterns: an asset stands under it once.
    return (
        rows.filter(~has_limit | ~comparable.fill_null(False) | inside)
        .with_columns(verdict=verdict, days_overdue=overdue)
        .unique(["asset_kind", "asset_id", "list_id", "entry_id"], keep="first", maintain_order=True)
    )


def ages(equipment: pl.DataFrame, lives: pl.DataFrame, today: date) -> pl.DataFrame:
    """Age of every piece against the design life of its kind, else of any kind.

    Returns:
        `equipment_id, value` (years), `threshold, verdict, verification_status`.
    """
    years = (pl.lit(today) - pl.col("commissioned_on")).dt.total_days() / _DAYS_OF_YEAR
    verdict = (
        pl.when(pl.col("value").is_null() | pl.col("threshold").is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("value") > pl.col("threshold"))
        .then(pl.lit("past_design_life"))
        .otherwise(pl.lit("within_design_life"))
    )
    return (
        _with_life(equipment, lives)
        .with_columns(value=years, threshold=pl.col("design_life_years"))
        .select("equipment_id", "value", "threshold", "verification_status", verdict=verdict)
    )


def drifts(equipment: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    """Efficiency lost since it was new, (rated − actual) / rated, against what its kind may lose; negative where it is better than rated.

    Returns:
        `equipment_id, value` (share), `threshold, verdict, verification_status`.
    """
    rated = pl.col("rated_efficiency")
    verdict = (
        pl.when(pl.col("value").is_null() | pl.col("threshold").is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("value") >= pl.col("threshold"))
        .then(pl.lit("drifted"))
        .otherwise(pl.lit("within_drift"))
    )
    return (
        _with_life(equipment, lives)
        .with_columns(value=pl.when(rated > 0).then((rated - pl.col("actual_efficiency")) / rated), threshold=pl.col("drift_limit_share"))
        .select("equipment_id", "value", "threshold", "verification_status", verdict=verdict)
    )


def _with_life(equipment: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    own_kind = pl.col("equipment_code").is_in(lives["equipment_code"].implode()).fill_null(False)
    kinds = equipment.with_columns(life_of=pl.when(own_kind).then("equipment_code").otherwise(pl.lit(ANY_KIND)))
    return kinds.join(lives.rename({"equipment_code": "life_of"}), on="life_of", how="left")


# -- the method --------------------------------------------------------------------------------------------------------------------------

OBSOLETE_ASSET = Result(
    "obsolete_asset",
    "One row per piece of equipment or process and check: each entry of a list that matches it, its age, its efficiency",
    (
        Column("asset_kind", TEXT, "equipment or process.", required=True, allowed=("equipment", "process")),
        Column("asset_id", TEXT, "Piece of equipment, or process.", required=True),
        Column("check_kind", TEXT, "list, age (against design life) or efficiency (against the rated one).", required=True, allowed=("list", "age", "efficiency")),
        Column("list_id", TEXT, "List (reference.obsolete); `-` for age and efficiency.", required=True),
        Column("entry_id", TEXT, "Entry of it; `-` for age and efficiency.", required=True),
    ),
    (
        ENTERPRISE,
        Column("process_id", TEXT, "Process it is or serves."),
        Column("name", TEXT, "Name in the register."),
        Column("model", TEXT, "Model as on the plate."),
        Column("pieces", COUNT, "Number of equal pieces."),
        Column(
            "verdict",
            TEXT,
            "eliminated, to_be_eliminated (its deadline is to come), restricted or encouraged by the list; possibly_listed: its capacity decides and is not known in the list's unit; past_design_life or within_design_life; drifted or within_drift; unknown.",
            required=True,
            allowed=VERDICTS,
        ),
        Column("list_name_zh", TEXT, "Name of the list."),
        Column("list_version", TEXT, "Edition of the list."),
        Column("entry_name", TEXT, "What the entry names."),
        Column("entry_name_zh", TEXT, "In Chinese."),
        Column("entry_note", TEXT, "Exceptions and conditions of the entry, for a person to judge."),
        Column("deadline", DATE, "Local date by which it must be gone; null where the list names none."),
        Column("days_overdue", COUNT, "Days since then."),
        Column("value", NUMBER, "Age, years; or loss of efficiency as a share of the rated one; or rated capacity where an entry asks for it."),
        Column("threshold", NUMBER, "What it is compared with, in `unit`."),
        Column("unit", TEXT, "a, share, or the entry's unit of capacity."),
        Column("source_ref", TEXT, "Where the entry was read."),
        VERIFICATION,
        STATE,
    ),
)  # fmt: skip


def find_obsolete_assets(frames: Frames, context: Context) -> Outcome:
    """Everything in the registers on the day of the build."""
    today = context.today
    equipment = in_force(frames["equipment"], today)
    processes = in_force(frames["processes"], today)
    lives = in_force(frames["lives"], today, ["equipment_code"]).drop("valid_from", "valid_to")
    assets = assets_of(equipment, processes)
    # Rows of the park stand beside the shipped entries, unless they are about the same one.
    entries = in_force(frames["entries"], today, ["list_id", "entry_id", "match_field", "match_pattern"]).drop("valid_from", "valid_to")
    of_lists = listed(assets, entries, today).select(
        "asset_kind", "asset_id", "enterprise_id", "process_id", "name", "model", "pieces", "verdict", "list_id", "entry_id", "list_name_zh",
        "entry_name", "deadline", "days_overdue", "source_ref", "verification_status",
        check_kind=pl.lit("list"), list_version="version", entry_name_zh="name_zh", entry_note="note",
        value=pl.when(pl.col("capacity_max").is_not_null()).then("capacity"), threshold="capacity_max", unit="capacity_unit",
    )  # fmt: skip
    of_pieces = equipment.select(
        "equipment_id", "enterprise_id", "process_id", "name", "model", "pieces", asset_kind=pl.lit("equipment"), asset_id="equipment_id",
        list_id=pl.lit("-"), entry_id=pl.lit("-"),
    )  # fmt: skip
    checks = {"age": (ages(equipment, lives, today), "a"), "efficiency": (drifts(equipment, lives), "share")}
    of_checks = [
        of_pieces.join(found, on="equipment_id").drop("equipment_id").with_columns(check_kind=pl.lit(check), unit=pl.lit(unit))
        for check, (found, unit) in checks.items()
    ]
    rows = pl.concat([of_lists, *of_checks], how="diagonal").with_columns(
        state=pl.when(pl.col("verdict").is_in(["unknown", "possibly_listed"]))
        .then(pl.lit(State.MISSING.value))
        .otherwise(pl.lit(State.SELF_REPORTED.value))
    )
    rows = rows.sort("enterprise_id", "asset_kind", "asset_id", "check_kind", "list_id", "entry_id")
    eliminated = rows.filter(pl.col("verdict") == "eliminated")
    return Outcome(
        {OBSOLETE_ASSET.name: rows},
        f"{equipment.height} pieces of equipment and {processes.height} processes; {eliminated.height} match an entry of what is eliminated",
        tuple(
            f"{enterprise_id}: {kind} {asset_id} ({name}) matches {list_id} / {entry_id}, eliminated; source {status}"
            for enterprise_id, kind, asset_id, name, list_id, entry_id, status in eliminated.select(
                "enterprise_id", "asset_kind", "asset_id", "name", "list_id", "entry_id", "verification_status"
            ).iter_rows()
        ),
    )


_REGISTER = "enterprise_id, process_id, name, valid_from, valid_to"

OBSOLETE_ASSETS = Method(
    name="obsolete_asset",
    version="obsolete-1",
    description="Equipment and processes on lists of what is eliminated, restricted or encouraged (淘汰、限制、鼓励), past their design life, or drifted.",
    reads={
        "equipment": Source.of(
            "staging.stg_equipment",
            f"equipment_id, model, equipment_code, pieces, commissioned_on, capacity, unit, rated_efficiency, actual_efficiency, {_REGISTER}",
        ),
        "processes": Source.of("staging.stg_processes", f"process_code, {_REGISTER}"),
        "entries": Source.of(
            "reference.obsolete",
            "list_id, list_name_zh, entry_id, category, asset_kind, match_field, match_pattern, capacity_max, is_max_included, capacity_unit, "
            "deadline, name, name_zh, note, valid_from, valid_to, version, source_ref, verification_status, origin",
        ),
        "lives": Source.of(
            "reference.equipment_life",
            "equipment_code, design_life_years, drift_limit_share, valid_from, valid_to, verification_status, origin",
        ),
    },
    results=(OBSOLETE_ASSET,),
    run=find_obsolete_assets,
)
