"""Environmental risk grades of enterprises (企业突发环境事件风险分级, HJ 941-2018): the matrix of quantity Q, control M and receptors E.

A grade is given when the best and the worst case that the inputs allow agree, and what is missing is named. Thresholds and the
matrix are rows of the standards; what Q, M and E are stands in `risk_ranges`, what the park makes of grades in `risk_park`.
"""

from datetime import date

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.in_force import in_force, months_after, with_enterprise
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure, least_sure_among
from pipelines.assessment.risk_park import park_roll_up, readiness
from pipelines.assessment.risk_ranges import (
    E_CLASSES,
    MEDIA_ZH,
    answers_in_force,
    control_ranges,
    incident_points,
    item_points,
    no_texts,
    quantities,
    quantity_ranges,
    receptor_classes,
)
from pipelines.contracts.records import BOOL, COUNT, DATE, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import State

NOT_COMPUTABLE = "not_computable"
GRADES_ZH = {"general": "一般", "larger": "较大", "major": "重大"}
"""Grades from the lowest to the highest, and what the norm calls them."""
WHOLE = "all"

_RANK = {grade: rank for rank, grade in enumerate(GRADES_ZH)}
_Q = ("Q0", "Q1", "Q2", "Q3")


def class_of(value: pl.Expr, thresholds: pl.DataFrame, measure: str) -> pl.Expr:
    """Class whose half-open interval holds the value."""
    found = pl.lit(None, dtype=pl.String)
    for row in thresholds.filter(pl.col("measure") == measure).sort("lower_bound").iter_rows(named=True):
        found = pl.when(value >= row["lower_bound"]).then(pl.lit(row["class_code"])).otherwise(found)
    return found


def grade_media(q: pl.DataFrame, m: pl.DataFrame, e: pl.DataFrame, thresholds: pl.DataFrame, matrix: pl.DataFrame) -> pl.DataFrame:
    """Grade of every enterprise and medium, between the best and the worst that its inputs allow.

    Q0 is general whatever control and receptors are, and asks for neither.

    Args:
        q, m, e: ranges from quantity_ranges, control_ranges, receptor_classes.
        thresholds: rows of one edition; matrix: `e_class, q_class, m_class, grade` of it.

    Returns:
        `enterprise_id, medium, q, m_score, q_class, m_class, e_class, grade, grade_best, grade_worst, missing_inputs, notation,
        is_involved` and the scores of the parts of M; classes and notation are null where they are not certain.
    """
    m_classes = thresholds.filter(pl.col("measure") == "m").sort("lower_bound")["class_code"].to_list()
    rows = (
        q.rename({"low": "q_low", "high": "q_high", "missing": "q_missing"})
        .join(m.rename({"low": "m_low", "high": "m_high", "missing": "m_missing"}), on=["enterprise_id", "medium"])
        .join(e.rename({"low": "e_low", "high": "e_high", "missing": "e_missing"}), on=["enterprise_id", "medium"])
        .with_columns(
            q_best=class_of(pl.col("q_low"), thresholds, "q"),
            q_worst=class_of(pl.col("q_high"), thresholds, "q"),
            m_best=class_of(pl.col("m_low"), thresholds, "m"),
            m_worst=class_of(pl.col("m_high"), thresholds, "m"),
        )
    )
    possible = (
        rows.select("enterprise_id", "medium", "q_best", "q_worst", "m_best", "m_worst", "e_low", "e_high")
        .join(_cells(matrix), how="cross")
        .filter(
            _between("q_class", "q_best", "q_worst", _Q)
            & (_between("m_class", "m_best", "m_worst", m_classes) | (pl.col("q_class") == _Q[0]))
            & (_between("e_class", "e_low", "e_high", E_CLASSES) | (pl.col("q_class") == _Q[0]))
        )
        .group_by("enterprise_id", "medium")
        .agg(best=pl.col("rank").min(), worst=pl.col("rank").max())
    )
    needs_control = pl.col("q_worst") != _Q[0]
    nothing = no_texts()
    graded = rows.join(possible, on=["enterprise_id", "medium"]).with_columns(
        q_class=_if_same("q_best", "q_worst"),
        m_class=pl.when(needs_control).then(_if_same("m_best", "m_worst")),
        e_class=pl.when(needs_control).then(_if_same("e_low", "e_high")),
        missing_inputs=pl.concat_list(
            "q_missing",
            pl.when(needs_control).then("m_missing").otherwise(nothing),
            pl.when(needs_control).then("e_missing").otherwise(nothing),
        ),
    )
    grade = pl.when(pl.col("best") == pl.col("worst")).then(_grade("best")).otherwise(pl.lit(NOT_COMPUTABLE))
    zh = pl.col("medium").replace_strict(MEDIA_ZH, return_dtype=pl.String)
    classes = (
        pl.when(pl.col("q_class") == _Q[0]).then(pl.col("q_class")).otherwise(pl.concat_str("q_class", "m_class", "e_class", separator="-"))
    )
    return graded.select(
        "enterprise_id",
        "medium",
        "is_involved",
        q=pl.when(pl.col("q_low") == pl.col("q_high")).then("q_low"),
        q_class="q_class",
        m_score=pl.when(pl.col("m_low") == pl.col("m_high")).then("m_low"),
        process_score="process_score",
        control_score="control_score",
        incident_score="incident_score",
        m_class="m_class",
        e_class="e_class",
        grade=grade,
        grade_best=_grade("best"),
        grade_worst=_grade("worst"),
        missing_inputs="missing_inputs",
        notation=pl.concat_str(
            _grade("best").replace_strict(GRADES_ZH, return_dtype=pl.String), pl.lit("-"), zh, pl.lit("("), classes, pl.lit(")")
        ),
    )


def grade_enterprises(media: pl.DataFrame, uplifts: pl.DataFrame) -> pl.DataFrame:
    """Grade of every enterprise: the higher of its media, raised by the levels of its uplift and never above the highest.

    The notation is the norm's: both media in brackets, or the one that the enterprise is involved in.

    Args:
        media: from grade_media.
        uplifts: `enterprise_id, levels, events` of enterprises that are raised.
    """
    top = len(_RANK) - 1
    ranks = {f"{word}_rank": pl.col(f"grade_{word}").replace_strict(_RANK, return_dtype=pl.Int64).max() for word in ("best", "worst")}
    # An enterprise that is involved in nothing is general in both.
    shown = pl.when(pl.col("is_involved").any()).then(pl.col("is_involved")).otherwise(pl.lit(True))
    of_media = (
        media.sort("enterprise_id", "medium")
        .group_by("enterprise_id", maintain_order=True)
        .agg(
            **ranks,
            missing_inputs=pl.col("missing_inputs").explode().drop_nulls().unique(maintain_order=True),
            notations=pl.col("notation").filter(shown),
            is_involved=pl.col("is_involved").any(),
        )
    )
    raised = of_media.join(uplifts, on="enterprise_id", how="left").with_columns(
        pl.col("levels").fill_null(0), pl.col("events").fill_null(no_texts())
    )
    raised = raised.with_columns(
        pl.min_horizontal(pl.col(f"{word}_rank") + pl.col("levels"), pl.lit(top)).alias(word) for word in ("best", "worst")
    )
    grade = pl.when(pl.col("best") == pl.col("worst")).then(_grade("best")).otherwise(pl.lit(NOT_COMPUTABLE))
    is_written = (pl.col("best") == pl.col("worst")) & ~(pl.col("notations").list.eval(pl.element().is_null()).list.any())
    in_brackets = pl.concat_str(
        _grade("best").replace_strict(GRADES_ZH, return_dtype=pl.String), pl.lit("["), pl.col("notations").list.join("+"), pl.lit("]")
    )
    # One medium's notation is the enterprise's own, unless it was raised: then both grades must be seen.
    alone = (pl.col("notations").list.len() == 1) & (pl.col("levels") == 0)
    return raised.select(
        "enterprise_id",
        "is_involved",
        medium=pl.lit(WHOLE),
        grade=grade,
        grade_best=_grade("best"),
        grade_worst=_grade("worst"),
        missing_inputs="missing_inputs",
        notation=pl.when(is_written).then(pl.when(alone).then(pl.col("notations").list.first()).otherwise(in_brackets)),
        uplift_levels=pl.col("levels").cast(pl.Int64),
        uplift_events="events",
    )


def uplifts(events: pl.DataFrame, items: pl.DataFrame, since: date) -> pl.DataFrame:
    """Levels by which an enterprise is raised: those of the gravest punished act since a day, not one for each.

    Returns:
        `enterprise_id, levels, events`.
    """
    rules = items.filter(pl.col("part") == "uplift").select("event_kind", pl.col("option").alias("category"), "points")
    return (
        events.filter(pl.col("occurred_on") >= since)
        .join(rules, on=["event_kind", "category"])
        .drop_nulls("enterprise_id")
        .group_by("enterprise_id")
        .agg(levels=pl.col("points").max().cast(pl.Int64), events=pl.col("event_id").sort())
    )


def _cells(matrix: pl.DataFrame) -> pl.DataFrame:
    """Cells of the matrix with the grade's rank, and the one of Q0."""
    ranked = matrix.select("e_class", "q_class", "m_class", rank=pl.col("grade").replace_strict(_RANK, return_dtype=pl.Int64))
    lowest = pl.DataFrame({"e_class": [None], "q_class": [_Q[0]], "m_class": [None], "rank": [0]}, schema=ranked.schema)
    return pl.concat([ranked, lowest])


def _between(cell: str, low: str, high: str, order: tuple[str, ...] | list[str]) -> pl.Expr:
    rank = {name: at for at, name in enumerate(order)}

    def at(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(rank, default=None, return_dtype=pl.Int64)

    return at(cell).is_between(at(low), at(high)).fill_null(False)


def _if_same(one: str, other: str) -> pl.Expr:
    return pl.when(pl.col(one) == pl.col(other)).then(pl.col(one))


def _grade(rank: str) -> pl.Expr:
    return pl.col(rank).replace_strict({at: grade for grade, at in _RANK.items()}, return_dtype=pl.String)


# -- the method --------------------------------------------------------------------------------------------------------------------------

_MEDIUM = Column("medium", TEXT, "air (大气), water (水), or all: the enterprise.", required=True, allowed=(*MEDIA_ZH, WHOLE))
_GRADE_WORDS = (*GRADES_ZH, NOT_COMPUTABLE)

RISK_GRADE = Result(
    "risk_grade",
    "One row per enterprise and medium, and one for the enterprise",
    (ENTERPRISE, _MEDIUM),
    (
        Column(
            "grade",
            TEXT,
            "general (一般), larger (较大), major (重大), or not_computable: best and worst case differ.",
            required=True,
            allowed=_GRADE_WORDS,
        ),
        Column("grade_best", TEXT, "Lowest grade that the inputs allow.", required=True, allowed=tuple(GRADES_ZH)),
        Column("grade_worst", TEXT, "Highest grade that the inputs allow.", required=True, allowed=tuple(GRADES_ZH)),
        Column("provisional", BOOL, "Whether an input is missing, even where the grade does not depend on it.", required=True),
        Column("missing_inputs", TEXTS, "What is missing."),
        Column(
            "notation",
            TEXT,
            "As the norm writes it (风险等级表征), as 重大[重大-大气(Q1-M3-E1)+较大-水(Q2-M2-E2)]; null where a class is not certain.",
        ),
        Column("is_involved", BOOL, "Whether a substance that counts for the medium is on site."),
        Column("q", NUMBER, "Sum of mass on site over critical quantity (Q); null where a quantity is missing."),
        Column("q_class", TEXT, "Q0 to Q3."),
        Column("m_score", NUMBER, "Processes, control and incidents (M), 0 to 100."),
        Column("process_score", NUMBER, "Points of production processes, capped."),
        Column("control_score", NUMBER, "Points of risk control."),
        Column("incident_score", NUMBER, "Points of the worst incident of the years looked at."),
        Column("m_class", TEXT, "M1 to M4; null for Q0, which asks for none."),
        Column("e_class", TEXT, "E1 to E3; null for Q0."),
        Column(
            "uplift_levels",
            COUNT,
            "Levels by which the enterprise is raised for illegal discharge or illegal transfer or disposal of hazardous waste.",
        ),
        Column("uplift_events", TEXTS, "Events that raise it."),
        Column("threshold_set", TEXT, "Edition of the thresholds and the matrix (reference.risk_threshold)."),
        VERIFICATION,
        STATE,
    ),
)
RISK_QUANTITY = Result(
    "risk_quantity",
    "One row per enterprise, substance on site and medium that it counts for",
    (ENTERPRISE, Column("substance_code", TEXT, "Substance (reference.risk_substance).", required=True), _MEDIUM),
    (
        Column("name", TEXT, "Name in the register."),
        Column("on_site_t", NUMBER, "Largest mass of the pure substance on site, t."),
        Column("critical_t", NUMBER, "Critical quantity (临界量), t."),
        Column("ratio", NUMBER, "on_site_t / critical_t."),
        VERIFICATION,
        STATE,
    ),
)
RISK_PARK = Result(
    "risk_park",
    "One row per roll-up of the park, medium and code; the norm grades no park",
    (
        Column(
            "roll_up", TEXT, "What is counted.", required=True, allowed=("enterprises_of_grade", "quantity_of_substance", "shared_receptor")
        ),
        _MEDIUM,
        Column("code", TEXT, "Grade, substance, or kind and name of the receptor.", required=True),
    ),
    (
        Column("name", TEXT, "Substance or receptor."),
        Column("value", NUMBER, "Enterprises of the grade or near the receptor, or the sum of mass over critical quantity."),
        Column("enterprises", TEXTS, "Which they are."),
        STATE,
    ),
)
EMERGENCY_READINESS = Result(
    "emergency_readiness",
    "One row per enterprise",
    (ENTERPRISE,),
    (
        Column("plan_id", TEXT, "Emergency plan (突发环境事件应急预案) that holds longest."),
        Column("filed_on", DATE, "Local date on which it was filed (备案)."),
        Column("expires_on", DATE, "First local date on which it no longer holds: the register's, else counted from its filing."),
        Column("plan_status", TEXT, "valid, expired, not_filed or none.", required=True, allowed=("valid", "expired", "not_filed", "none")),
        Column("has_evidence", BOOL, "Whether the filing receipt's hash is known."),
        Column("last_drill_on", DATE, "Local date of the last drill (演练)."),
        Column("drills", COUNT, "Drills within the interval that the standards name."),
        Column("drill_is_due", BOOL, "Whether there was none."),
        STATE,
    ),
)


def grade_risks(frames: Frames, context: Context) -> Outcome:
    """Grade every member of the park on the day of the build."""
    today = context.today
    substances = in_force(frames["substances"], today, ["substance_code"])
    items = in_force(frames["items"], today, ["item_id", "option", "event_kind", "medium"])
    criteria = in_force(frames["criteria"], today, ["medium", "receptor_kind", "e_class"])
    thresholds, matrix, edition = edition_on(today, frames["thresholds"], frames["matrix"])
    numbers = _numbers(in_force(frames["thresholds"], today, ["set_id", "measure", "class_code"])) | _numbers(thresholds)

    enterprises = in_force(frames["enterprises"], today)["enterprise_id"].unique().sort()
    if enterprises.is_empty():
        results = (RISK_GRADE, RISK_QUANTITY, RISK_PARK, EMERGENCY_READINESS)
        return Outcome({result.name: result.empty() for result in results}, "no enterprise to grade")
    of_members = pl.col("enterprise_id").is_in(enterprises.implode())
    chemicals = in_force(frames["chemicals"], today).filter(of_members)
    receptors = in_force(frames["receptors"], today).filter(of_members)
    events = with_enterprise(frames["events"], "occurred_on", frames["outlets"], frames["processes"], frames["points"])
    events = events.filter((pl.col("occurred_on") <= today) & of_members)

    ratios = quantities(chemicals, substances)
    incidents = incident_points(enterprises, events, items, months_after(today, -12 * int(numbers["incident_years"])))
    media = grade_media(
        quantity_ranges(enterprises, chemicals, ratios),
        control_ranges(item_points(enterprises, answers_in_force(frames["answers"], today), items), incidents, numbers["process_cap"]),
        receptor_classes(enterprises, receptors, criteria),
        thresholds,
        matrix,
    )
    raised = uplifts(events, items, months_after(today, -12 * int(numbers["uplift_years"])))
    grades = pl.concat([media, grade_enterprises(media, raised)], how="diagonal")
    rules = least_sure_among(pl.concat(frame["verification_status"] for frame in (items, criteria, thresholds, matrix)))
    declared, missing = pl.lit(State.SELF_REPORTED.value), pl.lit(State.MISSING.value)
    grades = grades.join(_verification(grades, ratios, rules), on=["enterprise_id", "medium"]).with_columns(
        provisional=pl.col("missing_inputs").list.len() > 0,
        threshold_set=pl.lit(edition),
        # Inventories, surveys and receptors are declared: nothing of a grade is measured.
        state=pl.when(pl.col("grade") == NOT_COMPUTABLE).then(missing).otherwise(declared),
    )
    drills = events.filter(pl.col("event_kind") == "drill")
    ready = readiness(
        enterprises, in_force(frames["plans"], today), drills, today, int(numbers["plan_years"]), int(numbers["drill_months"])
    )
    return Outcome(
        {
            RISK_GRADE.name: grades.sort("enterprise_id", "medium"),
            RISK_QUANTITY.name: ratios.with_columns(state=pl.when(pl.col("ratio").is_null()).then(missing).otherwise(declared)),
            RISK_PARK.name: park_roll_up(grades, ratios, receptors).with_columns(state=declared),
            EMERGENCY_READINESS.name: ready.with_columns(state=pl.when(pl.col("plan_status") == "none").then(missing).otherwise(declared)),
        },
        _message(grades.filter(pl.col("medium") == WHOLE)),
        tuple(
            f"{enterprise_id}: emergency plan {plan_id} expired on {expires_on}"
            for enterprise_id, plan_id, expires_on in ready.filter(pl.col("plan_status") == "expired")
            .select("enterprise_id", "plan_id", "expires_on")
            .iter_rows()
        ),
    )


def edition_on(today: date, thresholds: pl.DataFrame, matrix: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, str]:
    """Thresholds and matrix of the edition in force: a park's own before the shipped one, else the newest.

    Raises ValueError when no edition has both classes of M and a matrix on the day.
    """
    valid = in_force(thresholds, today, ["set_id", "measure", "class_code"])
    cells = in_force(matrix, today, ["set_id", "e_class", "q_class", "m_class"])
    editions = (
        valid.filter((pl.col("measure") == "m") & pl.col("set_id").is_in(cells["set_id"].unique().implode()))
        .sort(pl.col("origin") == "park", "valid_from", descending=True)["set_id"]
        .to_list()
    )
    if not editions:
        raise ValueError(f"reference.risk_threshold and risk_matrix: no edition has rows of both on {today}; give one valid_to after it")
    return valid.filter(pl.col("set_id") == editions[0]), cells.filter(pl.col("set_id") == editions[0]), editions[0]


def _numbers(thresholds: pl.DataFrame) -> dict[str, float]:
    """The method's single numbers by measure; a cap is an upper bound, a time a lower one."""
    single = thresholds.filter(pl.col("class_code") == "-").select("measure", pl.coalesce("upper_bound", "lower_bound"))
    return dict(single.iter_rows())


def _verification(grades: pl.DataFrame, ratios: pl.DataFrame, rules: str | None) -> pl.DataFrame:
    """How sure the least sure row behind each grade is: of the rules, and of the substances on site."""
    key = ["enterprise_id", "medium"]
    of_substances = pl.concat(
        [
            ratios.select(*key, "verification_status"),
            ratios.select("enterprise_id", "verification_status", medium=pl.lit(WHOLE)).select(*key, "verification_status"),
        ]
    )
    of_rules = grades.select(*key, verification_status=pl.lit(rules, dtype=pl.String))
    return pl.concat([of_rules, of_substances]).group_by(key).agg(least_sure(pl.col("verification_status")))


def _message(grades: pl.DataFrame) -> str:
    counts = grades["grade"].value_counts().sort("grade")
    return ", ".join(f"{count} {grade}" for grade, count in counts.iter_rows())


_REGISTER = "enterprise_id, valid_from, valid_to"
_STANDARD = "valid_from, valid_to, verification_status, origin"

RISK_GRADES = Method(
    name="risk_grade",
    version="risk-1",
    description="Environmental risk grades (突发环境事件风险等级) by HJ 941, and who is ready for an emergency.",
    reads={
        "enterprises": Source.of("staging.stg_enterprises", _REGISTER),
        "outlets": Source.of("staging.stg_outlets", f"outlet_id, {_REGISTER}"),
        "processes": Source.of("staging.stg_processes", f"process_id, {_REGISTER}"),
        "points": Source.of("staging.stg_points", f"point_id, {_REGISTER}"),
        "chemicals": Source.of("staging.stg_chemicals", f"substance_code, name, max_on_site_t, pure_share, {_REGISTER}"),
        "receptors": Source.of("staging.stg_receptors", f"medium, receptor_kind, name, quantity, {_REGISTER}"),
        "plans": Source.of("staging.stg_emergency_plans", f"plan_id, filed_on, expires_on, evidence_sha256, {_REGISTER}"),
        "events": Source.of("staging.stg_events", "event_id, event_kind, category, subject_kind, subject_id, occurred_on, severity"),
        "answers": Source.of(
            "staging.stg_survey_answers", "subject_kind, subject_id, checklist_id, item_id, answered_on, surveyor_role, answer, value"
        ),
        "substances": Source.of("reference.risk_substance", f"substance_code, critical_t, counts_for_air, counts_for_water, {_STANDARD}"),
        "items": Source.of("reference.risk_item", f"item_id, medium, part, option, event_kind, points, is_per_unit, name, {_STANDARD}"),
        "criteria": Source.of("reference.risk_receptor", f"medium, receptor_kind, e_class, at_least, is_required, name, {_STANDARD}"),
        "thresholds": Source.of("reference.risk_threshold", f"set_id, measure, class_code, lower_bound, upper_bound, {_STANDARD}"),
        "matrix": Source.of("reference.risk_matrix", f"set_id, e_class, q_class, m_class, grade, {_STANDARD}"),
    },
    results=(RISK_GRADE, RISK_QUANTITY, RISK_PARK, EMERGENCY_READINESS),
    run=grade_risks,
)
