"""Evaluation index systems (清洁生产评价指标体系) read from the standards and checked as a whole.

A system is data: four seeds say which groups and indicators it has, what they weigh and what each grade
demands. What they say is refused here, all of it at once with file, row and value, when it cannot be
scored as written. Scoring itself is `index`; no number of a norm may stand in either.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from enum import StrEnum
from fractions import Fraction
from math import inf, lcm

import polars as pl

from pipelines.contracts.standards import Standards, StandardsError, StandardsProblem
from pipelines.contracts.states import VerificationStatus

SYSTEMS, GROUPS, INDICATORS, THRESHOLDS = "index_systems", "index_groups", "index_indicators", "index_thresholds"
GRADES = ("I", "II", "III")
"""Best first: Ⅰ级, Ⅱ级, Ⅲ级."""
STAGES = ("input", "process", "generation", "recovery", "discharge")
"""Where in the process a figure is taken: what is generated before treatment is another quantity than what is discharged after it."""
UNKNOWN = "unknown"
METHOD = "index-1"
"""Version of the arithmetic in `index`; part of every rule_version, raised when a score of unchanged inputs would change."""

_ONE = Fraction(1)
_EVERYTHING = (-inf, inf)


class Generation(StrEnum):
    """Which general rules a system was written under; decides the side conditions of its grades."""

    G1 = "G1"  # 2013 general rules: limiting indicators and the score
    G2 = "G2"  # GB/T 43329-2023: the other indicators may also be at most one grade worse


class Completeness(StrEnum):
    COMPLETE = "complete"
    PARTIAL = "partial"  # thresholds or weights are not known: levels, never a grade


class WeightRule(StrEnum):
    """How an indicator comes by its weight inside its group."""

    FIXED = "fixed"
    EQUAL_IN_SET = "equal_in_set"  # the set's weight over the members that apply (0.8/n for plated metals)
    OUTPUT_SHARE = "output_share"  # the set's weight by the products' shares of output


class Standing(StrEnum):
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    NOT_YET_IN_FORCE = "not_yet_in_force"


@dataclass(frozen=True)
class Requirement:
    """What one grade of one indicator demands, `same_as` already followed: low <= value <= high; none where unknown."""

    semantics: str
    bounds: tuple[float, float] | None
    origin: str
    """Grade in whose cell the demand stands: merged cells share one."""
    text: str | None


@dataclass(frozen=True)
class Indicator:
    indicator_id: str
    group_id: str
    position: int
    name: str
    is_quantitative: bool
    metric_code: str | None
    stage: str | None
    product_kind: str | None
    unit: str | None
    direction: str | None
    weight: Fraction | None
    """Inside the group; of the whole set where it has one; None where unknown."""
    weight_rule: WeightRule
    set_id: str | None
    is_limiting: bool
    requirements: dict[str, Requirement]
    verification_status: VerificationStatus

    @property
    def weight_unit(self) -> str:
        """What carries the weight in the group: the set, or the indicator itself."""
        return self.set_id or self.indicator_id

    @property
    def level_of_answer(self) -> dict[str, int]:
        """Rank that a surveyed grade stands for: 1, 2, 3, or 4 for none.

        A grade whose cell is merged with a better one demands the same, so meeting it is meeting the better one;
        a grade without a demand is met even by `none`.
        """
        ranks = {}
        for grade in GRADES:
            origin = self.requirements[grade].origin
            ranks[grade] = 1 + next(at for at, other in enumerate(GRADES) if self.requirements[other].origin == origin)
        free = [at for at, grade in enumerate(GRADES, start=1) if self.requirements[grade].semantics == "no_requirement"]
        ranks["none"] = min(free, default=4)
        return {grade: min(rank, ranks["none"]) for grade, rank in ranks.items()}


@dataclass(frozen=True)
class Group:
    group_id: str
    position: int
    name: str
    weight: Fraction | None
    is_bonus: bool
    redistribute: bool
    verification_status: VerificationStatus


@dataclass(frozen=True)
class IndexSystem:
    """One edition of an index system as it held on one date."""

    index_system_id: str
    version: str
    name: str
    generation: Generation
    completeness: Completeness
    standing: Standing
    pass_mark: Fraction
    """Score that grades I and II need; III needs every indicator."""
    groups: tuple[Group, ...]
    indicators: tuple[Indicator, ...]
    rule_version: str
    verification_status: VerificationStatus
    """Weakest of everything it consists of."""

    @property
    def not_gradeable_because(self) -> str | None:
        """Why it yields levels and no grade; None if it grades."""
        reasons = []
        if self.completeness is Completeness.PARTIAL:
            reasons.append(f"index system {self.index_system_id} {self.version} is partial: not every weight and threshold is known")
        if self.standing is Standing.SUPERSEDED:
            reasons.append(f"index system {self.index_system_id} {self.version} was no longer in force at the end of the period")
        if self.standing is Standing.NOT_YET_IN_FORCE:
            reasons.append(f"index system {self.index_system_id} {self.version} was not yet in force at the end of the period")
        return "; ".join(reasons) or None

    @property
    def rules(self) -> pl.DataFrame:
        """One row per indicator, as `index.assess` takes it. Weights are whole numbers over a common denominator,
        so that sums of them are exact; bounds are null where unknown."""
        groups = {group.group_id: group for group in self.groups}
        group_parts = _whole_numbers({group.group_id: group.weight for group in self.groups})
        unit_parts: dict[str, float | None] = {}
        for group_id in groups:
            units = {each.weight_unit: each.weight for each in self.indicators if each.group_id == group_id}
            unit_parts |= {f"{group_id}/{unit}": part for unit, part in _whole_numbers(units).items()}
        rows = []
        for each in self.indicators:
            group = groups[each.group_id]
            row = {
                "index_system_id": self.index_system_id,
                "indicator_id": each.indicator_id,
                "indicator_name": each.name,
                "group_id": each.group_id,
                "position": group.position * 1000 + each.position,
                "kind": "quantitative" if each.is_quantitative else "qualitative",
                "metric_code": each.metric_code,
                "stage": each.stage,
                "product_kind": each.product_kind,
                "unit": each.unit,
                "direction": each.direction,
                "is_limiting": each.is_limiting,
                "is_bonus": group.is_bonus,
                "redistribute": group.redistribute,
                "group_weight": group_parts[each.group_id],
                "weight_unit": each.weight_unit,
                "weight_rule": each.weight_rule.value,
                "unit_weight": unit_parts[f"{each.group_id}/{each.weight_unit}"],
                "indicator_verification_status": each.verification_status.value,
            }
            for grade in GRADES:
                low, high = each.requirements[grade].bounds or (None, None)
                row |= {f"low_{grade}": low, f"high_{grade}": high, f"level_of_{grade}": each.level_of_answer[grade]}
            rows.append(row | {"level_of_none": each.level_of_answer["none"]})
        return pl.DataFrame(rows, schema=RULES)

    @property
    def heading(self) -> dict[str, object]:
        """What `index.assess` needs to know of the system as a whole."""
        bonus = {group.group_id for group in self.groups if group.is_bonus}
        weights = [group.weight for group in self.groups if group.group_id not in bonus]
        parts = _whole_numbers({group.group_id: group.weight for group in self.groups})
        return {
            "index_system_id": self.index_system_id,
            "index_system_version": self.version,
            "generation": self.generation.value,
            "not_gradeable_because": self.not_gradeable_because,
            "pass_mark": float(self.pass_mark),
            "total_weight": None if None in weights else sum(parts[g.group_id] for g in self.groups if g.group_id not in bonus),
            "rule_version": self.rule_version,
            "verification_status": self.verification_status.value,
        }


RULES = pl.Schema(
    {
        "index_system_id": pl.String(), "indicator_id": pl.String(), "indicator_name": pl.String(), "group_id": pl.String(),
        "position": pl.Int64(), "kind": pl.String(), "metric_code": pl.String(), "stage": pl.String(), "product_kind": pl.String(), "unit": pl.String(),
        "direction": pl.String(), "is_limiting": pl.Boolean(), "is_bonus": pl.Boolean(), "redistribute": pl.Boolean(),
        "group_weight": pl.Float64(), "weight_unit": pl.String(), "weight_rule": pl.String(), "unit_weight": pl.Float64(),
        "indicator_verification_status": pl.String(),
    }
    | {f"{name}_{grade}": dtype for grade in GRADES for name, dtype in (("low", pl.Float64()), ("high", pl.Float64()), ("level_of", pl.Int64()))}
    | {"level_of_none": pl.Int64()}
)  # fmt: skip
HEADINGS = pl.Schema(
    {
        "index_system_id": pl.String(), "index_system_version": pl.String(), "generation": pl.String(), "not_gradeable_because": pl.String(),
        "pass_mark": pl.Float64(), "total_weight": pl.Float64(), "rule_version": pl.String(), "verification_status": pl.String(),
    }
)  # fmt: skip


def _whole_numbers(weights: dict[str, Fraction | None]) -> dict[str, float | None]:
    """Weights over their common denominator. They are floats of whole numbers: their sums stay exact below 2**53."""
    denominator = lcm(*(weight.denominator for weight in weights.values() if weight is not None))
    return {name: None if weight is None else float(weight * denominator) for name, weight in weights.items()}


@dataclass(frozen=True)
class IndexLibrary:
    """Every index system of the standards, checked at every date on which one of its rows begins or ends."""

    tables: dict[str, list["_Row"]] = field(repr=False)

    @property
    def ids(self) -> list[str]:
        return sorted({row["index_system_id"] for row in self.tables[SYSTEMS]})

    @property
    def metric_codes(self) -> set[str]:
        """Every metric that any edition takes a value from."""
        return {row["metric_code"] for row in self.tables[INDICATORS] if row["metric_code"]}

    def system(self, index_system_id: str, on: date) -> IndexSystem | None:
        """The edition in force on a date; else the one that ended last before it, else the one that begins next; None if unknown."""
        editions = sorted(
            (row for row in self.tables[SYSTEMS] if row["index_system_id"] == index_system_id), key=lambda row: row.valid_from
        )
        if not editions:
            return None
        begun = [row for row in editions if row.valid_from <= on]
        if not begun:
            return self._build(editions[0], editions[0].valid_from, Standing.NOT_YET_IN_FORCE)
        latest = begun[-1]
        if latest.holds(on):
            return self._build(latest, on, Standing.IN_FORCE)
        return self._build(latest, latest.valid_to - timedelta(days=1), Standing.SUPERSEDED)

    def _build(self, row: "_Row", on: date, standing: Standing) -> IndexSystem:
        rows = {
            name: [each for each in table if each["index_system_id"] == row["index_system_id"] and each.holds(on)]
            for name, table in self.tables.items()
        }
        cells: dict[str, list[_Row]] = defaultdict(list)
        for cell in rows[THRESHOLDS]:
            cells[cell["indicator_id"]].append(cell)
        used = [each for table in rows.values() for each in table]
        digest = hashlib.sha256("\x1e".join(sorted(each.text for each in used)).encode()).hexdigest()[:8]
        return IndexSystem(
            index_system_id=row["index_system_id"],
            version=row["version"],
            name=row["name"],
            generation=Generation(row["generation"]),
            completeness=Completeness(row["completeness"]),
            standing=standing,
            pass_mark=_fraction(row["pass_mark"]),
            groups=tuple(sorted((_group(each) for each in rows[GROUPS]), key=lambda group: (group.position, group.group_id))),
            indicators=tuple(
                sorted(
                    (_indicator(each, cells[each["indicator_id"]]) for each in rows[INDICATORS]),
                    key=lambda one: (one.position, one.indicator_id),
                )
            ),
            rule_version=f"{METHOD}:{row['index_system_id']}:{row['version']}:{digest}",
            verification_status=_weakest(each["verification_status"] for each in used),
        )


def load_index_systems(standards: Standards) -> IndexLibrary:
    """Read and check every index system.

    Raises StandardsError with everything that is wrong, in all systems and on all dates.
    """
    problems: list[StandardsProblem] = []
    tables = {name: list(_rows(standards, name)) for name in (SYSTEMS, GROUPS, INDICATORS, THRESHOLDS)}
    vocabulary = _Vocabulary(
        metrics={row["metric_code"]: (row["unit"], row["stage"]) for row in standards.seed("metrics").iter_rows(named=True)},
        units=set(standards.seed("units")["unit"]),
    )
    checks = {SYSTEMS: _check_system, GROUPS: _check_group, INDICATORS: _check_indicator, THRESHOLDS: _check_threshold}
    for name, rows in tables.items():
        for row in rows:
            found = list(checks[name](row, vocabulary))
            problems.extend(found)
            row.readable = not found
    problems.extend(_orphans(tables))
    for index_system_id in sorted({row["index_system_id"] for row in tables[SYSTEMS] if row["index_system_id"]}):
        problems.extend(_check_over_time(index_system_id, tables))
    if problems:
        raise StandardsError(list(dict.fromkeys(problems)))
    return IndexLibrary(tables)


@dataclass
class _Row:
    """One row of a seed, with the place it stands at."""

    file: str
    number: int
    cells: dict[str, str | None]
    valid_from: date
    valid_to: date | None
    readable: bool = True

    def __getitem__(self, column: str) -> str | None:
        return self.cells[column]

    def holds(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)

    def problem(self, column: str, message: str) -> StandardsProblem:
        return StandardsProblem(self.file, self.number, column, self.cells[column] or "", message)

    @property
    def text(self) -> str:
        return "\x1f".join(value or "" for value in self.cells.values())


@dataclass(frozen=True)
class _Vocabulary:
    metrics: dict[str, tuple[str, str]]
    """Unit and stage by code."""
    units: set[str]


def _rows(standards: Standards, seed: str) -> Iterator[_Row]:
    for file, frame in ((f"{seed}.csv", standards.base[seed]), (f"own {seed}.csv", standards.own(seed))):
        for number, cells in enumerate(frame.iter_rows(named=True), start=2):
            valid_to = cells["valid_to"]
            yield _Row(file, number, cells, date.fromisoformat(cells["valid_from"]), date.fromisoformat(valid_to) if valid_to else None)


def _weakest(statuses: Iterable[str]) -> VerificationStatus:
    order = list(VerificationStatus)
    return max((VerificationStatus(status) for status in statuses), key=order.index)


# -- one row ---------------------------------------------------------------------------------------------------------------------------


def _one_of(row: _Row, column: str, allowed: Iterable[str]) -> Iterator[StandardsProblem]:
    words = list(allowed)
    if row[column] not in words:
        yield row.problem(column, f"must be one of {', '.join(words)}")


def _given(row: _Row, *columns: str) -> Iterator[StandardsProblem]:
    for column in columns:
        if row[column] is None:
            yield row.problem(column, "may not be empty")


def _blank(row: _Row, reason: str, *columns: str) -> Iterator[StandardsProblem]:
    for column in columns:
        if row[column] is not None:
            yield row.problem(column, f"must be empty: {reason}")


def _whole(row: _Row, column: str) -> Iterator[StandardsProblem]:
    if not (row[column] or "").isdecimal():
        yield row.problem(column, "must be a whole number, the place in the printed table")


def _weight(row: _Row) -> Iterator[StandardsProblem]:
    if row["weight"] == UNKNOWN:
        return
    weight = _fraction(row["weight"])
    if weight is None or not 0 < weight <= 1:
        yield row.problem("weight", f"must be above 0 and at most 1, as 0.15 or 1/3, or {UNKNOWN}")


def _fraction(text: str | None) -> Fraction | None:
    """Exactly what stands there: 0.15 is 3/20."""
    try:
        return Fraction(text or "")
    except (ValueError, ZeroDivisionError):
        return None


def _check_system(row: _Row, _: _Vocabulary) -> Iterator[StandardsProblem]:
    yield from _given(row, "index_system_id", "name")
    yield from _one_of(row, "generation", Generation)
    yield from _one_of(row, "completeness", Completeness)
    mark = _fraction(row["pass_mark"])
    if mark is None or not 0 < mark <= 100:
        yield row.problem("pass_mark", "must be above 0 and at most 100, the score that grades I and II need")


def _check_group(row: _Row, _: _Vocabulary) -> Iterator[StandardsProblem]:
    yield from _given(row, "index_system_id", "group_id", "name")
    yield from _whole(row, "position")
    yield from _weight(row)
    yield from _one_of(row, "is_bonus", ("true", "false"))
    yield from _one_of(row, "group_na_policy", ("warn", "redistribute"))


def _check_indicator(row: _Row, known: _Vocabulary) -> Iterator[StandardsProblem]:
    yield from _given(row, "index_system_id", "group_id", "indicator_id", "name")
    yield from _whole(row, "position")
    yield from _weight(row)
    yield from _one_of(row, "is_limiting", ("true", "false"))
    yield from _one_of(row, "kind", ("quantitative", "qualitative"))
    yield from _one_of(row, "weight_rule", WeightRule)
    if row["weight_rule"] == WeightRule.FIXED:
        yield from _blank(row, "a fixed weight belongs to no set", "set_id")
    else:
        yield from _given(row, "set_id")
    if row["weight_rule"] == WeightRule.OUTPUT_SHARE:
        yield from _given(row, "product_kind")
    if row["kind"] == "qualitative":
        yield from _blank(
            row, "a qualitative indicator is answered by a survey", "metric_code", "stage", "unit", "direction", "product_kind"
        )
    elif row["kind"] == "quantitative":
        yield from _one_of(row, "direction", ("lower_is_better", "higher_is_better", "in_range"))
        if row["unit"] not in known.units:
            yield row.problem("unit", "is not in units.csv")
        yield from _one_of(row, "stage", STAGES)
        if row["metric_code"] not in known.metrics:
            near = get_close_matches(row["metric_code"] or "", known.metrics, n=3, cutoff=0.5)
            yield row.problem("metric_code", "is not in metrics.csv" + (f"; did you mean {' or '.join(near)}?" if near else ""))
            return
        unit, stage = known.metrics[row["metric_code"]]
        if not _fits(row["unit"] or "", unit):
            yield row.problem("unit", f"is not the unit of metric {row['metric_code']}, {unit}")
        if row["stage"] in STAGES and row["stage"] != stage:
            yield row.problem("stage", f"is not the stage of metric {row['metric_code']}, {stage}")


def _fits(unit: str, metric_unit: str) -> bool:
    """A metric per product has the unit `kWh/{product_unit}`: any product's unit may stand there."""
    fixed, per_product, _ = metric_unit.partition("{product_unit}")
    return unit.startswith(fixed) and len(unit) > len(fixed) if per_product else unit == fixed


_SEMANTICS = ("value", "no_requirement", UNKNOWN)
_OPERATORS = ("<=", ">=", "=", "range")


def _check_threshold(row: _Row, _: _Vocabulary) -> Iterator[StandardsProblem]:
    yield from _given(row, "index_system_id", "indicator_id")
    yield from _one_of(row, "grade", GRADES)
    words = (*_SEMANTICS, *(f"same_as:{grade}" for grade in GRADES if grade != row["grade"]))
    if row["semantics"] not in words:
        yield row.problem(
            "semantics", f"must be one of {', '.join(words)}: a blank cell may mean merged, no requirement or not known; say which"
        )
    elif row["semantics"] != "value":
        yield from _blank(row, f"semantics is {row['semantics']}", "operator", "value", "value_to", "text")
    elif row["operator"] is not None and row["operator"] not in _OPERATORS:
        yield row.problem("operator", f"must be one of {', '.join(_OPERATORS)}")
    for column in ("value", "value_to"):
        if row[column] is not None and _fraction(row[column]) is None:
            yield row.problem(column, "must be a number")


# -- what rows say together ------------------------------------------------------------------------------------------------------------


def _orphans(tables: dict[str, list[_Row]]) -> Iterator[StandardsProblem]:
    """Rows that name a system or an indicator which never is."""
    systems = {row["index_system_id"] for row in tables[SYSTEMS]}
    indicators = {(row["index_system_id"], row["indicator_id"]) for row in tables[INDICATORS]}
    for name in (GROUPS, INDICATORS, THRESHOLDS):
        for row in tables[name]:
            if row["index_system_id"] not in systems:
                yield row.problem("index_system_id", f"is not in {SYSTEMS}.csv, which has {', '.join(sorted(filter(None, systems)))}")
            elif name == THRESHOLDS and (row["index_system_id"], row["indicator_id"]) not in indicators:
                yield row.problem("indicator_id", f"is not an indicator of {row['index_system_id']} in {INDICATORS}.csv")


def _check_over_time(index_system_id: str, tables: dict[str, list[_Row]]) -> Iterator[StandardsProblem]:
    """The system as it stands on every date on which one of its rows begins or ends."""
    own = {name: [row for row in rows if row["index_system_id"] == index_system_id] for name, rows in tables.items()}
    turning_points = {day for rows in own.values() for row in rows for day in (row.valid_from, row.valid_to) if day}
    for day in sorted(turning_points):
        now = {name: [row for row in rows if row.holds(day)] for name, rows in own.items()}
        if now[SYSTEMS]:
            yield from _check_on(now)


def _check_on(now: dict[str, list[_Row]]) -> Iterator[StandardsProblem]:
    keys = {SYSTEMS: ("index_system_id",), GROUPS: ("group_id",), INDICATORS: ("indicator_id",), THRESHOLDS: ("indicator_id", "grade")}
    for name, rows in now.items():
        yield from _repeated(rows, keys[name])
    system = now[SYSTEMS][0]
    is_complete = system["completeness"] == Completeness.COMPLETE
    yield from _check_groups(system, now, is_complete)
    yield from _check_sets(now[INDICATORS])
    cells: dict[str, list[_Row]] = defaultdict(list)
    for row in now[THRESHOLDS]:
        cells[row["indicator_id"]].append(row)
    for indicator in now[INDICATORS]:
        yield from _check_cells(indicator, cells[indicator["indicator_id"]], is_complete)


def _repeated(rows: list[_Row], key: tuple[str, ...]) -> Iterator[StandardsProblem]:
    seen: dict[tuple[str | None, ...], _Row] = {}
    for row in rows:
        identity = tuple(row[column] for column in key)
        if identity in seen:
            other = seen[identity]
            row.readable = False
            yield row.problem(
                key[-1], f"stands also in {other.file} row {other.number}, and both hold on {max(row.valid_from, other.valid_from)}"
            )
        seen.setdefault(identity, row)


def _check_groups(system: _Row, now: dict[str, list[_Row]], is_complete: bool) -> Iterator[StandardsProblem]:
    if is_complete:
        for row in (*now[GROUPS], *now[INDICATORS]):
            if row["weight"] == UNKNOWN:
                yield row.problem(
                    "weight", f"a complete system knows all weights; say completeness = partial in {system.file} row {system.number}"
                )
    ordinary = [row for row in now[GROUPS] if row["is_bonus"] == "false"]
    if not ordinary:
        yield system.problem("index_system_id", f"has no groups in {GROUPS}.csv")
    yield from _check_sum([(row, _fraction(row["weight"])) for row in ordinary], f"the groups of {system['index_system_id']}", is_complete)
    group_ids = {row["group_id"] for row in now[GROUPS]}
    for row in now[INDICATORS]:
        if row["group_id"] not in group_ids:
            yield row.problem("group_id", f"is not a group of {row['index_system_id']}, which has {', '.join(sorted(group_ids))}")
    for group in now[GROUPS]:
        members = [row for row in now[INDICATORS] if row["group_id"] == group["group_id"]]
        if not members and is_complete:
            yield group.problem("group_id", f"has no indicators in {INDICATORS}.csv")
        weighing = {(row["set_id"] or row["indicator_id"], row["weight"] if not row.readable else ""): row for row in members}
        terms = [(row, _fraction(row["weight"])) for row in weighing.values()]
        yield from _check_sum(terms, f"the indicators of group {group['group_id']} of {group['index_system_id']}", is_complete)


def _check_sum(terms: list[tuple[_Row, Fraction | None]], what: str, is_complete: bool) -> Iterator[StandardsProblem]:
    """Exact: 0.1 + 0.2 is 0.3 here. Silent where a row of the sum is refused anyway: it would repeat that fault in other words."""
    if not all(row.readable for row, _ in terms) or (is_complete and any(weight is None for _, weight in terms)):
        return
    known = [weight for _, weight in terms if weight is not None]
    total = sum(known, Fraction(0))
    if not terms or (total == _ONE) or (total < _ONE and not is_complete):
        return
    last = terms[-1][0]
    rule = "must be 1" if is_complete else "may not exceed 1"
    yield last.problem(
        "weight", f"weights of {what} sum to {float(total):g} ({' + '.join(f'{float(weight):g}' for weight in known)}), which {rule}"
    )


def _check_sets(indicators: list[_Row]) -> Iterator[StandardsProblem]:
    sets: dict[str, list[_Row]] = defaultdict(list)
    for row in indicators:
        if row["set_id"]:
            sets[row["set_id"]].append(row)
    names = {row["indicator_id"] for row in indicators}
    for set_id, members in sets.items():
        first = members[0]
        if set_id in names:
            yield first.problem("set_id", "is also the name of an indicator; give the set a name of its own")
        for row in members[1:]:
            for column in ("group_id", "weight", "weight_rule"):
                if row[column] != first[column]:
                    yield row.problem(column, f"differs within set {set_id}: {first.file} row {first.number} says {first[column]}")
        kinds = Counter(row["product_kind"] for row in members)
        for row in members:
            if row["weight_rule"] == WeightRule.OUTPUT_SHARE and kinds[row["product_kind"]] > 1:
                yield row.problem("product_kind", f"stands more than once in set {set_id}, so its share of output would count twice")


def _check_cells(indicator: _Row, cells: list[_Row], is_complete: bool) -> Iterator[StandardsProblem]:
    by_grade = {cell["grade"]: cell for cell in cells}
    if not indicator.readable or not all(cell.readable for cell in cells):
        return
    if lacking := [grade for grade in GRADES if grade not in by_grade]:
        message = f"has no row for grade {', '.join(lacking)} in {THRESHOLDS}.csv; a blank cell is a row that says what the blank means"
        yield indicator.problem("indicator_id", message)
        return
    found = []
    for cell in cells:
        if cell["semantics"] == UNKNOWN and is_complete:
            found.append(cell.problem("semantics", "a complete system knows all thresholds; say completeness = partial"))
        if cell["semantics"] == "value":
            found.extend(_check_value(indicator, cell))
        if cell["semantics"].startswith("same_as:") and _origin(cell["grade"], by_grade) is None:
            found.append(cell.problem("semantics", "leads back to itself: one of the merged cells must hold the value"))
    yield from found
    if found or indicator["kind"] == "qualitative":
        return
    bounds = {grade: _bounds(by_grade[_origin(grade, by_grade)]) for grade in GRADES}
    for better, worse in (("I", "II"), ("II", "III"), ("I", "III")):
        if bounds[better] and bounds[worse] and not _inside(bounds[better], bounds[worse]):
            cell = by_grade[worse]
            column = "value" if cell["semantics"] == "value" else "semantics"
            yield cell.problem(
                column, f"grade {worse} is stricter than grade {better} for {indicator['direction']} ({indicator['indicator_id']})"
            )
            return


def _check_value(indicator: _Row, cell: _Row) -> Iterator[StandardsProblem]:
    if indicator["kind"] == "qualitative":
        yield from _blank(cell, "the indicator is qualitative", "operator", "value", "value_to")
        yield from _given(cell, "text")
        return
    yield from _given(cell, "operator", "value")
    wrong = {"lower_is_better": (">=", "range"), "higher_is_better": ("<=", "range"), "in_range": ("<=", ">=")}[indicator["direction"]]
    if cell["operator"] in wrong:
        yield cell.problem("operator", f"contradicts direction {indicator['direction']} of {indicator['indicator_id']}")
    if cell["operator"] == "range":
        low, high = _fraction(cell["value"]), _fraction(cell["value_to"])
        if high is None or (low is not None and high < low):
            yield cell.problem("value_to", "must be the upper end of the range, not below value")
    else:
        yield from _blank(cell, "only a range has an upper end of its own", "value_to")


def _inside(inner: tuple[float, float], outer: tuple[float, float]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


# -- building --------------------------------------------------------------------------------------------------------------------------


def _origin(grade: str, by_grade: dict[str, _Row]) -> str | None:
    """Follow same_as to the grade whose cell holds the demand; None if it goes round in a circle."""
    seen = []
    while (semantics := by_grade[grade]["semantics"]).startswith("same_as:"):
        seen.append(grade)
        grade = semantics.removeprefix("same_as:")
        if grade in seen:
            return None
    return grade


def _bounds(cell: _Row) -> tuple[float, float] | None:
    """Every operator is an interval, ends included: equal to the threshold meets it."""
    if cell["semantics"] == UNKNOWN:
        return None
    if cell["semantics"] == "no_requirement" or cell["operator"] is None:
        return _EVERYTHING
    value = float(_fraction(cell["value"]))
    match cell["operator"]:
        case "<=":
            return (-inf, value)
        case ">=":
            return (value, inf)
        case "=":
            return (value, value)
        case _:
            return (value, float(_fraction(cell["value_to"])))


def _group(row: _Row) -> Group:
    return Group(
        group_id=row["group_id"],
        position=int(row["position"]),
        name=row["name"],
        weight=_fraction(row["weight"]),
        is_bonus=row["is_bonus"] == "true",
        redistribute=row["group_na_policy"] == "redistribute",
        verification_status=VerificationStatus(row["verification_status"]),
    )


def _indicator(row: _Row, cells: list[_Row]) -> Indicator:
    by_grade = {cell["grade"]: cell for cell in cells}
    requirements = {}
    for grade in GRADES:
        origin = _origin(grade, by_grade)
        cell = by_grade[origin]
        requirements[grade] = Requirement(cell["semantics"], _bounds(cell), origin, cell["text"])
    return Indicator(
        indicator_id=row["indicator_id"],
        group_id=row["group_id"],
        position=int(row["position"]),
        name=row["name"],
        is_quantitative=row["kind"] == "quantitative",
        metric_code=row["metric_code"],
        stage=row["stage"],
        product_kind=row["product_kind"],
        unit=row["unit"],
        direction=row["direction"],
        weight=_fraction(row["weight"]),
        weight_rule=WeightRule(row["weight_rule"]),
        set_id=row["set_id"],
        is_limiting=row["is_limiting"] == "true",
        requirements=requirements,
        verification_status=_weakest([row["verification_status"], *(cell["verification_status"] for cell in cells)]),
    )
