"""Suite files: which expectations a gated table must meet, how grave each is, and why it is there.

One YAML file per gated table in `expectations/`, loaded by one model that refuses unknown keys, and
checked for the ways in which Great Expectations turns green without having looked: an empty table, a
column of nulls, `mostly`, an expectation it does not know or silently merges with another, a lower bound
alone (NaN is above every number), an empty value set. Running suites belongs in `runner`.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import Field, ValidationError

from pipelines.contracts.feed import Strict
from pipelines.contracts.records import RECORD_TYPES
from pipelines.gates.verdicts import GATE_DELIVERIES, GATE_MARTS

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


class Severity(StrEnum):
    """What a failure means: closes the gate, is recorded and counted, or is recorded only."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Looks(StrEnum):
    """What an expectation looks at, which decides how its result is read."""

    TABLE = "table"  # the table as a whole
    NULLS = "nulls"  # row by row, nulls are the finding
    VALUES = "values"  # row by row, nulls are passed over
    PAIR = "pair"  # row by row, two columns
    SHARE = "share"  # one share of a column, nulls are the finding
    AGGREGATE = "aggregate"  # one figure of a column
    QUERY = "query"  # the rows that a query returns


ROW_COUNT = "expect_table_row_count_to_be_between"
QUERY = "unexpected_rows_expectation"
SUPPORTED = {
    ROW_COUNT: Looks.TABLE,
    "expect_column_values_to_not_be_null": Looks.NULLS,
    "expect_column_proportion_of_non_null_values_to_be_between": Looks.SHARE,
    "expect_column_values_to_be_between": Looks.VALUES,
    "expect_column_values_to_be_in_set": Looks.VALUES,
    "expect_column_values_to_not_be_in_set": Looks.VALUES,
    "expect_column_pair_values_a_to_be_greater_than_b": Looks.PAIR,
    "expect_column_min_to_be_between": Looks.AGGREGATE,
    "expect_column_max_to_be_between": Looks.AGGREGATE,
    "expect_column_mean_to_be_between": Looks.AGGREGATE,
    "expect_column_sum_to_be_between": Looks.AGGREGATE,
    QUERY: Looks.QUERY,
}
"""The expectations that are known, and tested red and green, to work inside DuckDB. A new one needs a test first."""

_NOT_HERE = {
    "mostly": "counts rows that are not null only, so a column of nulls passes; write a query rule with the share you mean",
    "row_condition": "a condition that no row meets passes; put it into the where clause of a query rule",
    "condition_parser": "belongs to row_condition, which suites do without",
    "severity": "stands beside kwargs, not in them",
    "result_format": "is chosen by the runner",
    "catch_exceptions": "is chosen by the runner",
    "meta": "is used by the runner",
    "batch_id": "is chosen by the runner",
}
_IN_SET = frozenset({"expect_column_values_to_be_in_set", "expect_column_values_to_not_be_in_set"})


class SuiteError(ValueError):
    """All problems of all suite files that were read together."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Rule(Strict):
    """One expectation: its type and arguments as Great Expectations writes them, its severity and reason."""

    type: str
    kwargs: dict[str, Any]
    severity: Severity
    why: str = Field(min_length=12, description="the reason, for whoever is stopped by it at two in the morning")
    needs: list[str] | None = Field(None, description="query rules: columns without which a row cannot be judged; it is then not evaluated")
    nulls: str | None = Field(None, min_length=12, description="why nulls are right in a bounded column that no completeness rule covers")
    whole: bool = Field(False, description="query rules that compare rows with others, never judged on touched dates alone")

    @property
    def looks(self) -> Looks:
        return SUPPORTED[self.type]

    @property
    def columns(self) -> list[str]:
        """Columns named in the arguments."""
        return [self.kwargs[name] for name in ("column", "column_A", "column_B") if isinstance(self.kwargs.get(name), str)]

    @property
    def needed(self) -> list[str]:
        """Columns that must not be null in a row for the rule to have looked at it."""
        if self.looks in (Looks.TABLE, Looks.NULLS, Looks.SHARE):
            return []
        return self.columns if self.needs is None else self.needs

    @property
    def row_by_row(self) -> bool:
        """Whether a verdict on changed rows (at least one) and an earlier one on the others are a verdict on all."""
        return self.looks in (Looks.TABLE, Looks.NULLS, Looks.VALUES, Looks.PAIR) or (self.looks is Looks.QUERY and not self.whole)

    @property
    def column_name(self) -> str | None:
        return ", ".join(self.columns or self.needs or []) or None

    @cached_property
    def rule_id(self) -> str:
        """Hash of what decides the verdict; the wording of the reason does not."""
        content = self.model_dump(mode="json", exclude={"why", "nulls"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


class Changes(Strict):
    """The local date of a mart's rows, where rows change on touched dates only: a night then looks at those."""

    column: str


class Suite(Strict):
    """One gated table. With `subject_column` it judges deliveries (gate A), else a mart (gate B)."""

    table: str = Field(pattern=r"^([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*$")
    subject_column: str | None = Field(None, description="column that says which delivery a row belongs to")
    key_columns: list[str] = Field([], description="further columns that name a row among those of one delivery")
    records: list[str] | None = Field(None, description="record types whose deliveries have rows here; all by default")
    source: Literal["hj212"] | None = Field(None, description="only deliveries of feeds with this source")
    changes: Changes | None = Field(None, description="absent: every night looks at the whole table")
    expectations: list[Rule] = Field(min_length=1)

    @property
    def name(self) -> str:
        return self.table.rpartition(".")[2]

    @property
    def gate(self) -> str:
        return GATE_DELIVERIES if self.subject_column else GATE_MARTS

    def judges(self, record: str, source: str | None = None) -> bool:
        return (self.records is None or record in self.records) and self.source in (None, source)


@dataclass(frozen=True)
class _Place:
    """Where in which file, for messages."""

    file: str
    index: int
    rule: Rule

    def __str__(self) -> str:
        return f"{self.file}: expectations[{self.index}] ({self.rule.type})"


def load_suites(folder: Path) -> list[Suite]:
    """Every suite of the folder, checked without Great Expectations.

    Raises:
        SuiteError: with every problem of every file, each with file, place and what would be right.
    """
    problems: list[str] = []
    suites: dict[str, Suite] = {}
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        suite = _read(path, problems)
        if suite is None:
            continue
        if suite.name != path.stem:
            problems.append(f"{path.name}: table = {suite.table!r}: the file must be named after it, {suite.name}{path.suffix}")
        if suite.name in suites:
            problems.append(f"{path.name}: table = {suite.table!r}: stands in two files; one file per gated table")
        suites[suite.name] = suite
        problems.extend(_problems(path.name, suite))
    if not suites and not problems:
        problems.append(f"{folder}: holds no suite file; a gate without rules would let everything pass")
    if problems:
        raise SuiteError(problems)
    return list(suites.values())


def _read(path: Path, problems: list[str]) -> Suite | None:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problems.append(f"{path.name}: {where}is not readable YAML: {getattr(error, 'problem', None) or error}")
        return None
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        for item in error.errors():
            place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]).lstrip(".") or "(the file)"
            message = "no such key; is it misspelt?" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
            problems.append(f"{path.name}: {place} = {str(item['input'])[:120]!r}: {message}")
        return None


def _problems(file: str, suite: Suite) -> Iterator[str]:
    """What a well-formed suite may still do wrong."""
    known: list[Rule] = []
    seen: dict[str, int] = {}
    for index, rule in enumerate(suite.expectations):
        place = _Place(file, index, rule)
        if rule.type not in SUPPORTED:
            yield f"{place}: {_not_supported(rule.type)}"
            continue
        known.append(rule)
        content = json.dumps([rule.type, rule.kwargs], sort_keys=True, default=str)
        if content in seen:
            yield f"{place}: is expectations[{seen[content]}] again; Great Expectations would keep one of them"
        seen.setdefault(content, index)
        for name in sorted(_NOT_HERE.keys() & rule.kwargs.keys()):
            yield f"{place}: kwargs.{name}: {_NOT_HERE[name]}"
        yield from _argument_problems(place, suite)
    if not any(rule.type == ROW_COUNT for rule in known):
        yield f"{file}: has no {ROW_COUNT} with min_value: 1; an empty table satisfies every other rule"
    complete = {column for rule in known if rule.looks in (Looks.NULLS, Looks.SHARE) for column in rule.columns}
    if not complete:
        yield f"{file}: has no completeness rule (expect_column_values_to_not_be_null); a column of nulls satisfies every other rule"
    for index, rule in enumerate(suite.expectations):
        if rule.type in SUPPORTED and rule.looks in (Looks.VALUES, Looks.PAIR, Looks.AGGREGATE) and rule.nulls is None:
            for column in sorted(set(rule.columns) - complete):
                yield (
                    f"{_Place(file, index, rule)}: {column} may be null in every row and still satisfy it; add a completeness "
                    f"rule for {column}, or say in nulls why nulls are right there"
                )
    if suite.subject_column is None and (suite.key_columns or suite.records or suite.source):
        yield f"{file}: key_columns, records and source belong to suites that judge deliveries, those with a subject_column"
    if unknown := sorted(set(suite.records or []) - RECORD_TYPES.keys()):
        yield f"{file}: records = {unknown}: no such record type; there are {', '.join(sorted(RECORD_TYPES))}"


def _not_supported(name: str) -> str:
    if "regex" in name:
        return f"regular expressions do not work on this dialect; use {QUERY} with regexp_matches(…)"
    near = difflib.get_close_matches(name, SUPPORTED, n=1, cutoff=0.75)
    if near:
        return f"no such expectation; did you mean {near[0]}?"
    return f"is not among the expectations that are tested inside DuckDB: {', '.join(SUPPORTED)}; what they cannot say, {QUERY} can"


def _argument_problems(place: _Place, suite: Suite) -> Iterator[str]:
    rule, kwargs = place.rule, place.rule.kwargs
    if rule.type == ROW_COUNT and kwargs != {"min_value": 1}:
        yield f"{place}: kwargs = {kwargs}: is {{min_value: 1}}; other counts change with the park, what should be there is a query rule's matter"
    if rule.looks in (Looks.VALUES, Looks.AGGREGATE) and rule.type not in _IN_SET and not {"min_value", "max_value"} <= kwargs.keys():
        yield f"{place}: give min_value and max_value; NaN is above every number, so that a lower bound alone lets it pass"
    if rule.looks is Looks.SHARE and not kwargs.get("min_value"):
        yield f"{place}: kwargs.min_value: give a share above 0; otherwise a column of nulls satisfies it"
    if rule.type in _IN_SET and not kwargs.get("value_set"):
        yield f"{place}: kwargs.value_set: name at least one value"
    if rule.looks is not Looks.QUERY:
        if rule.needs is not None or rule.whole:
            yield f"{place}: needs and whole belong to {QUERY} only"
        if rule.looks is not Looks.TABLE and not rule.columns:
            yield f"{place}: kwargs: name the column (column, or column_A and column_B)"
    else:
        yield from _query_problems(place, suite)
    if suite.subject_column and rule.looks in (Looks.SHARE, Looks.AGGREGATE):
        yield f"{place}: says nothing about a single delivery; use a rule that looks row by row"


def _query_problems(place: _Place, suite: Suite) -> Iterator[str]:
    query = place.rule.kwargs.get("unexpected_rows_query")
    if not isinstance(query, str) or set(place.rule.kwargs) != {"unexpected_rows_query"}:
        yield f"{place}: kwargs: give unexpected_rows_query, and nothing else; it returns the rows of {{batch}} that break the rule"
        return
    if re.findall(r"\{(\w*)\}", query) == [] or set(re.findall(r"\{(.*?)\}", query)) != {"batch"}:
        yield f"{place}: unexpected_rows_query: takes its rows from {{batch}}, and has no other braces"
    if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE):
        yield f"{place}: unexpected_rows_query: begins with select or with"
    if suite.subject_column and not re.search(rf"\b{suite.subject_column}\b|^\s*select\s+\*", query, re.IGNORECASE):
        yield f"{place}: unexpected_rows_query: must return {suite.subject_column}, or nobody knows which delivery it found"
    if place.rule.needs is None:
        yield f"{place}: needs: name the columns without which a row cannot be judged ([] when there are none)"


def build_suites(suites: list[Suite]) -> dict[str, "ExpectationSuite"]:
    """The suites as Great Expectations builds them, by table name, each rule's index in its `meta`.

    Great Expectations logs and drops what it cannot build, and keeps one of two expectations on the same
    columns when they are added one by one: so each is built alone, and built are counted against declared.

    Raises:
        SuiteError: with every expectation that it does not know or whose arguments it refuses.
    """
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    problems: list[str] = []
    built: dict[str, ExpectationSuite] = {}
    for suite in suites:
        expectations = []
        for index, rule in enumerate(suite.expectations):
            try:
                expectations.append(
                    ExpectationConfiguration(
                        type=rule.type, kwargs=dict(rule.kwargs), severity=rule.severity.value, meta={"rule": index}, notes=rule.why
                    ).to_domain_obj()
                )
            except Exception as error:  # noqa: BLE001 - whatever it raises is reported with file and place
                details = error.errors() if hasattr(error, "errors") else [{"loc": (), "msg": str(error)}]
                stated = "; ".join(f"kwargs.{'.'.join(map(str, item['loc']))}: {item['msg']}".removeprefix("kwargs.: ") for item in details)
                problems.append(f"{_Place(f'{suite.name}.yaml', index, rule)}: {stated}")
        built[suite.name] = ExpectationSuite(name=suite.name, expectations=expectations)
        if not problems and len(built[suite.name].expectations) != len(suite.expectations):
            problems.append(
                f"{suite.name}.yaml: declares {len(suite.expectations)} expectations and Great Expectations "
                f"built {len(built[suite.name].expectations)}"
            )
    if problems:
        raise SuiteError(problems)
    return built
