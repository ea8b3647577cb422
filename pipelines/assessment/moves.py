"""The gap to the next grade: what stands in the way, and the cheapest set of moves that gets there.

A move raises one indicator to a better level. Limiting indicators and the side condition of the general rules leave no
choice; of the rest those are chosen whose points suffice at the least effort, which is a small mixed-integer problem. What is
proposed is scored again before it is published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, PERIOD, VERIFICATION
from pipelines.assessment.enterprise_index import KEY
from pipelines.assessment.index import NO_GRADE, Assessed, assess
from pipelines.assessment.index_system import GRADES, Generation, WeightRule, load_index_systems
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result
from pipelines.assessment.parameters import EVERYTHING, PARAMETERS, parameters
from pipelines.assessment.rescore import GRADES_OF_BUILD, INDICATORS_OF_BUILD, Scorable, scorable
from pipelines.assessment.tables import GRADE_WORDS, INDEX_SYSTEM_ID, RULE_VERSION
from pipelines.contracts.records import BOOL, NUMBER, STATE, TEXT, Column
from pipelines.contracts.states import State

METHOD = "grade_moves-1"
UNREPORTED = "unreported"
NONE = len(GRADES) + 1
"""Rank of a level that meets no grade."""

_SCALE = 1e4
"""Efforts are multiplied by it for the solver, whose absolute gap is 1e-6: optima are exact to 1e-10 of an effort."""
_TOLERANCE = 1e-7
"""Points the solver may fall short by: floats err by less, and every proposal is scored exactly afterwards."""
_SAME_EFFORT = 1e-9
_EFFORTS = ("effort_of_gap", "effort_of_step")
_OF_ROW = (
    *KEY, "index_system_id", "indicator_id", "indicator_name", "kind", "unit", "weight_rule", "output_is_known", "is_present", "is_bonus", "is_limiting",
    "applies", "value", "level", "state", "weight", "indicator_verification_status",
    *(f"{what}_{grade}" for what in ("meets", "low", "high", "level_of") for grade in GRADES),
)  # fmt: skip
"""What a problem and its published rows need of an indicator."""


@dataclass(frozen=True)
class Efforts:
    """What a move costs: `of_gap` for a gap as large as the larger of value and grade I's threshold, `of_step` for a step of a
    surveyed or unreported indicator. Of one indicator by its scope `system/indicator`, else by `*`."""

    of_gap: Mapping[str, float]
    of_step: Mapping[str, float]

    @classmethod
    def of(cls, found: Mapping[tuple[str, str], float]) -> "Efforts":
        """From parameters of the method; raises KeyError without those that hold for everything, ValueError below or at 0."""
        kinds = {name: {scope: value for (parameter, scope), value in found.items() if parameter == name} for name in _EFFORTS}
        for name, by_scope in kinds.items():
            if EVERYTHING not in by_scope:
                raise KeyError(f"method_parameters.csv has no {name!r} of method 'grade_moves' for everything (scope `*`)")
            for scope, value in by_scope.items():
                if value <= 0:
                    raise ValueError(f"method_parameters.csv: {name} of {scope} is {value:g}: an effort must be above 0")
        return cls(*kinds.values())

    def for_indicator(self, system: str, indicator: str) -> tuple[float, float]:
        scope = f"{system}/{indicator}"
        return self.of_gap.get(scope, self.of_gap[EVERYTHING]), self.of_step.get(scope, self.of_step[EVERYTHING])


@dataclass(frozen=True)
class Move:
    """Raising one indicator to a level (1, 2, 3)."""

    to_level: int
    value: float | None
    """Value that just meets it, in the indicator's unit; None of a surveyed one."""
    gap: float | None
    effort: float


@dataclass
class Problem:
    """One subject, one grade it could reach.

    Attributes:
        rows: Its indicators that apply and do not meet the grade, as dicts of the scored frame.
        needed: Moves without which the grade is out of reach whatever the points, by indicator.
        optional: Moves that only bring points, by indicator.
        shortfall: Points lacking after the needed moves.
        cuts: Optional sets that fell short when scored exactly; something outside each of them must be chosen too.
    """

    target: int
    rows: list[dict]
    needed: dict[str, Move]
    optional: dict[str, Move]
    reasons: dict[str, str]
    shortfall: float
    is_open: bool
    cuts: list[frozenset[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Solution:
    """The cheapest moves for a grade; `moves` by indicator, everything needed included."""

    moves: dict[str, Move]

    @property
    def effort(self) -> float:
        return sum(move.effort for move in self.moves.values())


# -- what could be moved ---------------------------------------------------------------------------------------------------------------


def moves_of(row: Mapping[str, object], of_gap: float, of_step: float) -> list[Move]:
    """Moves that raise an indicator, from the smallest to the largest. None where raising it is not in its own hands.

    Args:
        row: One indicator as `index.assess` gives it.
        of_gap, of_step: See Efforts.
    """
    if row["weight_rule"] == WeightRule.OUTPUT_SHARE.value and not row["output_is_known"]:
        return []  # without the outputs nobody can say what its value is worth
    now = row["level"] or NONE
    is_quantitative = row["kind"] == "quantitative"
    value = row["value"] if row["is_present"] and is_quantitative else None
    found: list[Move] = []
    for rank in range(NONE - 1, 0, -1):
        grade = GRADES[rank - 1]
        if rank >= now:
            continue
        if is_quantitative:
            low, high = row[f"low_{grade}"], row[f"high_{grade}"]
            if low is None or any((row[f"low_{better}"], row[f"high_{better}"]) == (low, high) for better in GRADES[: rank - 1]):
                continue  # not known, or no level of its own: a better grade demands the same
            bound = _nearest(value, low, high)
        else:
            if row[f"level_of_{grade}"] != rank:
                continue
            bound = None
        if value is None:
            found.append(Move(rank, bound, None, of_step * (len(found) + 1)))
        else:
            best = _nearest(value, row["low_I"], row["high_I"])
            gap = abs(value - bound)
            found.append(Move(rank, bound, gap, of_gap * gap / max(abs(value), abs(best))))
    return found


def _nearest(value: float | None, low: float, high: float) -> float:
    """The value inside the interval that is nearest to a value; without one, the end that says most."""
    if value is not None:
        return min(max(value, low), high)
    return next((end for end in (high, low) if abs(end) != float("inf")), 0.0)


def problem(rows: Sequence[dict], target: int, efforts: Efforts, subject: Mapping[str, object]) -> Problem:
    """What a subject lacks for a grade (1, 2, 3).

    Args:
        rows: All its indicators as `index.assess` gives them.
        subject: Its row of grades: `generation`, `pass_mark`, `idle_indicators`, and the unrounded scores.
    """
    grade = GRADES[target - 1]
    needed: dict[str, Move] = {}
    optional: dict[str, Move] = {}
    reasons: dict[str, str] = {}
    lacking = [row for row in rows if row["applies"] and not row[f"meets_{grade}"]]
    is_open = True
    for row in lacking:
        name = row["indicator_id"]
        possible = {move.to_level: move for move in moves_of(row, *efforts.for_indicator(row["index_system_id"], name))}
        least = _least_level(row, target, subject["generation"])
        demanded = least is not None and (row["level"] or NONE) > least
        if demanded:
            reasons[name] = _why_needed(row, target)
            reached = [level for level in possible if level <= least]
            if not reached:
                is_open = False
                continue
            needed[name] = possible[max(reached)]
        useful = [level for level in possible if level <= target]
        if useful and target < NONE - 1 and not (name in needed and needed[name].to_level <= target):
            optional[name] = possible[max(useful)]
    if target == NONE - 1:
        return Problem(target, lacking, needed, {}, reasons, 0.0, is_open and subject["idle_indicators"] == 0)
    gained = sum(_points(row) for row in lacking if row["indicator_id"] in needed and needed[row["indicator_id"]].to_level <= target)
    return Problem(target, lacking, needed, optional, reasons, subject["pass_mark"] - subject[f"score_{grade}"] - gained, is_open)


def _least_level(row: Mapping[str, object], target: int, generation: str) -> int | None:
    """Level that an indicator must have at the least for a grade, whatever the points."""
    if row["is_bonus"]:
        return None
    if target == NONE - 1 or row["is_limiting"]:
        return target
    return target + 1 if generation == Generation.G2.value else None


def _why_needed(row: Mapping[str, object], target: int) -> str:
    if target == NONE - 1:
        return "every_indicator"
    return "limiting" if row["is_limiting"] else "side_condition"


def _points(row: Mapping[str, object]) -> float:
    return 100.0 * row["weight"]


# -- the cheapest set ------------------------------------------------------------------------------------------------------------------


def cheapest(given: Problem) -> Solution | None:
    """The moves of least effort that reach the grade; None where nothing reaches it.

    Exact: of sets of equal effort the one with the fewest moves is taken, of these the one that stands highest in the printed table.
    """
    if not given.is_open:
        return None
    if given.shortfall <= _TOLERANCE and not given.cuts:
        return Solution(dict(given.needed))
    rows = [row for row in given.rows if row["indicator_id"] in given.optional]
    names = [row["indicator_id"] for row in rows]
    points = [_points(row) for row in rows]
    if not names or sum(points) < given.shortfall - _TOLERANCE:
        return None
    already = {name: given.needed[name].effort if name in given.needed else 0.0 for name in names}
    extra = [given.optional[name].effort - already[name] for name in names]
    chosen = _cover(extra, points, given.shortfall, [[name not in cut for name in names] for cut in given.cuts])
    if chosen is None:
        return None
    return Solution(given.needed | {name: given.optional[name] for name, taken in zip(names, chosen, strict=True) if taken})


def _cover(efforts: list[float], points: list[float], shortfall: float, cuts: list[list[bool]]) -> list[bool] | None:
    """Which of the moves: least effort first, then the fewest, then the first. HiGHS through scipy."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    count = len(efforts)
    cost = np.array(efforts) * _SCALE
    demands = [LinearConstraint(np.array(points), shortfall - _TOLERANCE, np.inf)]
    demands += [LinearConstraint(np.array(outside, dtype=float), 1, np.inf) for outside in cuts]
    whole = {"integrality": np.ones(count), "bounds": Bounds(0, 1), "options": {"mip_rel_gap": 0.0}}
    first = milp(cost, constraints=demands, **whole)
    if first.x is None:
        return None
    within = LinearConstraint(cost, -np.inf, float(cost @ np.round(first.x)) + _SAME_EFFORT * _SCALE)
    tidiest = milp(count * count + np.arange(count, dtype=float), constraints=[*demands, within], **whole)
    best = first.x if tidiest.x is None else tidiest.x
    return [bool(taken) for taken in np.round(best)]


# -- proof -----------------------------------------------------------------------------------------------------------------------------


def applied(scored: Scorable, chosen: pl.DataFrame) -> Assessed:
    """Score the subjects again as if the moves had been made.

    Args:
        chosen: KEY, `indicator_id`, `to_level` and `target_value` of every move made.
    """
    words = dict(enumerate(GRADES, start=1))
    moved = chosen.select(
        *KEY, "indicator_id", "target_value", word=pl.col("to_level").replace_strict(words, return_dtype=pl.String), is_moved=pl.lit(True)
    )
    every = (
        scored.subjects.join(scored.rules.select("index_system_id", "indicator_id", "kind"), on="index_system_id")
        .join(scored.observations, on=[*KEY, "indicator_id"], how="left")
        .join(moved, on=[*KEY, "indicator_id"], how="left")
    )
    is_moved, is_quantitative = pl.col("is_moved").fill_null(False), pl.col("kind") == "quantitative"
    reported = pl.col("state").is_not_null() & ~pl.col("state").is_in([State.MISSING.value, State.STOPPED.value])
    after = every.with_columns(
        value=pl.when(is_moved & is_quantitative).then("target_value").otherwise("value"),
        answer=pl.when(is_moved & ~is_quantitative).then("word").otherwise("answer"),
        state=pl.when(is_moved & ~reported).then(pl.lit(State.ESTIMATED.value)).otherwise("state"),
    ).filter(pl.col("state").is_not_null())
    return assess(scored.subjects, after.select(scored.observations.columns), scored.rules, scored.systems, KEY)


# -- the method ------------------------------------------------------------------------------------------------------------------------


def grade_moves(scored: Scorable, efforts: Efforts) -> pl.DataFrame:
    """Rows of GRADE_MOVES for subjects whose periods end on one day, proposals scored again and found to reach their grade."""
    now = scored.assessed()
    subjects = {tuple(row[name] for name in KEY): row for row in now.grades.iter_rows(named=True)}
    rows_of: dict[tuple, list[dict]] = {key: [] for key in subjects}
    # Who meets the best grade lacks nothing for any.
    for row in now.indicators.filter(pl.col("applies") & ~pl.col(f"meets_{GRADES[0]}")).select(_OF_ROW).iter_rows(named=True):
        rows_of[tuple(row[name] for name in KEY)].append(row)
    open_problems = {
        key: [problem(rows_of[key], target, efforts, subject) for target in _targets(subject["grade"])]
        for key, subject in subjects.items()
        if _targets(subject["grade"])
    }
    settled: dict[tuple, tuple[Problem, Solution | None, dict | None]] = {}
    while open_problems:
        proposals = {key: _best(problems) for key, problems in open_problems.items()}
        proposed = _as_frame({key: solution for key, (_, solution) in proposals.items() if solution is not None}, scored.subjects)
        proved = applied(scored.only(proposed), proposed)
        after = {tuple(row[name] for name in KEY): row for row in proved.grades.iter_rows(named=True)}
        for key, (given, solution) in proposals.items():
            if solution is None:
                settled[key] = (given, None, None)
            elif _rank(after[key]["grade"]) <= given.target:
                settled[key] = (given, solution, after[key])
            else:
                # Short by less than floats can tell: something beside this set must be chosen.
                given.cuts.append(frozenset(name for name, move in given.optional.items() if solution.moves.get(name) == move))
        open_problems = {key: problems for key, problems in open_problems.items() if key not in settled}
    rows = [row for key, found in settled.items() for row in _rows(key, subjects[key], *found, efforts)]
    return pl.DataFrame(rows, schema={name: dtype for name, dtype in GRADE_MOVES.schema.items() if name not in ("park_id", "build_id")})


def _targets(grade: str) -> list[int]:
    """Grades to try, the next one first. From none grade II may be nearer than III, which asks something of every indicator."""
    return {"II": [1], "III": [2], NO_GRADE: [3, 2]}.get(grade, [])


def _rank(grade: str) -> int:
    return GRADES.index(grade) + 1 if grade in GRADES else NONE


def _best(problems: Sequence[Problem]) -> tuple[Problem, Solution | None]:
    """The grade that takes the least effort; of equals the one with fewer moves, then the better grade."""
    solved = [(given, solution) for given in problems if (solution := cheapest(given)) is not None]
    if not solved:
        return problems[0], None
    return min(solved, key=lambda pair: (round(pair[1].effort, 9), len(pair[1].moves), pair[0].target))


def _as_frame(solutions: Mapping[tuple, Solution], subjects: pl.DataFrame) -> pl.DataFrame:
    rows = [(*key, name, move.to_level, move.value) for key, solution in solutions.items() for name, move in solution.moves.items()]
    schema = {name: subjects.schema[name] for name in KEY} | {"indicator_id": pl.String, "to_level": pl.Int64, "target_value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _rows(
    key: tuple,
    subject: Mapping[str, object],
    given: Problem,
    solution: Solution | None,
    after: Mapping[str, object] | None,
    efforts: Efforts,
) -> list[dict]:
    grade = GRADES[given.target - 1]
    mark = 100.0 if given.target == NONE - 1 else subject["pass_mark"]
    rows = []
    for row in given.rows:
        name = row["indicator_id"]
        chosen = solution.moves.get(name) if solution else None
        # Of what is not chosen: what it would take to bring it to the grade.
        shown = chosen or given.needed.get(name) or given.optional.get(name)
        points = _points(row) if shown is not None and shown.to_level <= given.target else 0.0
        rows.append(
            dict(zip(KEY, key, strict=True))
            | {
                "index_system_id": subject["index_system_id"],
                "indicator_id": name,
                "indicator_name": row["indicator_name"],
                "grade": subject["grade"],
                "target_grade": grade,
                "points_missing": max(0.0, round(mark - subject[f"score_{grade.lower()}"], 10)),
                "is_chosen": chosen is not None,
                "needed_because": given.reasons.get(name),
                "from_level": UNREPORTED if row["level"] is None else (*GRADES, NO_GRADE)[row["level"] - 1],
                "to_level": None if shown is None else GRADES[shown.to_level - 1],
                "value": row["value"] if row["is_present"] else None,
                "target_value": None if shown is None or row["kind"] != "quantitative" else shown.value,
                "unit": row["unit"],
                "gap": None if shown is None else shown.gap,
                "points_gained": round(points, 10),
                "gap_per_point": shown.gap / points if shown is not None and shown.gap is not None and points > 0 else None,
                "effort": None if shown is None else shown.effort,
                "score_after": None if after is None else after[f"score_{grade.lower()}"],
                "grade_after": None if after is None else after["grade"],
                "state": row["state"],
                "verification_status": row["indicator_verification_status"],
                "rule_version": f"{METHOD}:{subject['rule_version']}",
            }
        )
    return rows


def propose_moves(frames: Frames, context: Context) -> Outcome:
    """Moves for every graded enterprise and period that has a better grade above it.

    Raises:
        StandardsError: the index systems are wrong, with everything that is wrong in them.
    """
    library = load_index_systems(context.standards)
    parts = []
    for scored in scorable(frames["grades"], frames["indicators"], library):
        last_day = scored.subjects["period_end"][0].fromordinal(scored.subjects["period_end"][0].toordinal() - 1)
        parts.append(grade_moves(scored, Efforts.of(parameters(frames["parameters"], "grade_moves", last_day))))
    if not parts:
        return Outcome({GRADE_MOVES.name: GRADE_MOVES.empty()}, "nobody is graded: no gap to a next grade")
    moves = pl.concat(parts)
    latest = moves.filter(pl.col("period_type") == "rolling_12m")
    open_ones = latest.filter(pl.col("grade_after").is_null())["enterprise_id"].unique().sort().to_list()
    reached = latest.filter(pl.col("grade_after").is_not_null())["enterprise_id"].n_unique()
    return Outcome(
        {GRADE_MOVES.name: moves},
        f"{moves.filter('is_chosen').height} moves proposed of {moves.height} possible; of the last 12 months {reached} enterprises can reach a better grade",
        tuple(f"{name}: no set of moves reaches a better grade; see grade_moves.needed_because" for name in open_ones),
    )


GRADE_MOVES = Result(
    "grade_moves",
    "One row per enterprise, period, index system and indicator that falls short of the grade aimed at",
    (ENTERPRISE, *PERIOD, INDEX_SYSTEM_ID, Column("indicator_id", TEXT, "Indicator (reference.index_indicator).", required=True)),
    (
        Column("indicator_name", TEXT, "Name."),
        Column("grade", TEXT, "Grade of the enterprise.", required=True, allowed=GRADE_WORDS),
        Column("target_grade", TEXT, "Grade aimed at: the next one, or II from none where that takes less effort.", required=True, allowed=GRADES),
        Column("points_missing", NUMBER, "Points that the score for the grade aimed at lacks."),
        Column("is_chosen", BOOL, "Whether the move is in the set of least effort that reaches the grade.", required=True),
        Column("needed_because", TEXT, "Why no points replace it: limiting indicator, side_condition of the general rules, or every_indicator (grade III); null where it only brings points.", allowed=("limiting", "side_condition", "every_indicator")),
        Column("from_level", TEXT, "Level it has; unreported where it was not reported.", allowed=(*GRADE_WORDS, UNREPORTED)),
        Column("to_level", TEXT, "Level the move brings it to; null where it cannot be moved for want of the outputs.", allowed=GRADES),
        Column("value", NUMBER, "Value it has, in unit."),
        Column("target_value", NUMBER, "Value that just meets the level, in unit; null of a surveyed one."),
        Column("unit", TEXT, "Unit of value, target_value and gap."),
        Column("gap", NUMBER, "What lies between the two, in unit; null where no value is known."),
        Column("points_gained", NUMBER, "Points the move adds to the score for the grade aimed at."),
        Column("gap_per_point", NUMBER, "Gap for each point gained, in unit: what a missing point costs here."),
        Column("effort", NUMBER, "Effort of the move: gap over the larger of value and grade I's threshold; a step of a surveyed or unreported one counts as reference.method_parameter says."),
        Column("score_after", NUMBER, "Score for the grade aimed at with all chosen moves made, scored again."),
        Column("grade_after", TEXT, "Grade with all chosen moves made, scored again; null where no set of moves reaches a better one.", allowed=GRADE_WORDS),
        STATE,
        VERIFICATION,
        RULE_VERSION,
    ),
)  # fmt: skip

MOVES = Method(
    name="grade_moves",
    version="1",
    description="The gap to the next grade and the cheapest set of moves that closes it (等级差距与最小改进组合).",
    reads={"grades": GRADES_OF_BUILD, "indicators": INDICATORS_OF_BUILD, "parameters": PARAMETERS},
    results=(GRADE_MOVES,),
    run=propose_moves,
)
