"""The standards: seed files of reference values, and a park's own rows beside them.

Every number of a norm stands in one CSV file (`dbt_project/seeds`, or the park's folder with the same
file and column names) and is read from there, by dbt as a seed and by Python through `Standards`.
Nothing here knows what a seed means; no default and no second copy of a number belongs in code.
"""

import csv
import hashlib
import io
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

import polars as pl

from pipelines.contracts.states import VerificationStatus

PROVENANCE = ("valid_from", "valid_to", "version", "source_ref", "verification_status")
"""Columns every standards row has behind its own: since when, until when (exclusive), which edition, from where, how sure."""

LOOKUP_KEYS = {
    "units": ("unit",),
    "parameters": ("parameter_code",),
    "parameter_aliases": ("alias", "dialect", "st"),
}
"""Seeds that ingest looks things up in: on one date a key may stand there once. Keys of the others are tested in dbt."""


@dataclass(frozen=True)
class StandardsProblem:
    """One thing wrong with a standards file: where, what stands there, and what would be right."""

    file: str
    row: int | None
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        where = self.file if self.row is None else f"{self.file} row {self.row}"
        return f"{where}: {self.column} = {self.value!r}: {self.message}"


class StandardsError(ValueError):
    """All problems of all standards files that were read together."""

    def __init__(self, problems: list[StandardsProblem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True)
class Standards:
    """Seeds by file name without ending; frames are all text, an empty cell is null."""

    base: dict[str, pl.DataFrame] = field(repr=False)
    own_rows: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[str]:
        return sorted(self.base)

    def seed(self, name: str) -> pl.DataFrame:
        """Base rows and the park's own, in this order."""
        if name not in self.base:
            raise KeyError(f"there is no seed {name!r}; there are {', '.join(self.names)}")
        own = self.own(name)
        return self.base[name] if own.is_empty() else pl.concat([self.base[name], own], rechunk=True)

    def own(self, name: str) -> pl.DataFrame:
        """The park's own rows of a seed: same columns, empty if there are none."""
        return self.own_rows.get(name, self.base[name].clear())

    @cached_property
    def hash(self) -> str:
        """Of every row of every seed, in file order: equal hashes mean equal standards."""
        digest = hashlib.sha256()
        for name in self.names:
            frame = self.seed(name)
            digest.update("\x1f".join([name, *frame.columns]).encode())
            lines = frame.select(pl.concat_str(pl.all().fill_null("\x00"), separator="\x1f")).to_series()
            digest.update("\x1e".join(lines.to_list()).encode())
        return digest.hexdigest()[:16]


def load_standards(base: Path, own: Path | None = None) -> Standards:
    """Read every CSV of the seeds folder and of the park's own folder.

    Raises StandardsError with all problems at once: a file or column that no seed has, a row without
    provenance, a bad date or verification status, a lookup key that stands twice on one date.
    """
    problems: list[StandardsProblem] = []
    seeds = {path.stem: frame for path in sorted(base.glob("*.csv")) if (frame := _read(path, path.name, problems)) is not None}
    if not seeds and not problems:
        raise StandardsError([StandardsProblem(str(base), None, "(the folder)", "", "holds no seed files (*.csv)")])
    own_rows = {}
    for path in sorted(own.glob("*.csv")) if own else []:
        shown = f"{own.name}/{path.name}"
        if path.stem not in seeds:
            problems.append(StandardsProblem(shown, None, "(the file)", path.stem, f"no seed has this name; seeds are {', '.join(seeds)}"))
        elif (frame := _read(path, shown, problems)) is not None:
            expected = seeds[path.stem].columns
            if differing := sorted(set(frame.columns) ^ set(expected)):
                message = f"must have the seed's columns: {', '.join(expected)}"
                problems.append(StandardsProblem(shown, None, "(the header)", ", ".join(differing), message))
            else:
                own_rows[path.stem] = frame.select(expected)
    standards = Standards(seeds, own_rows)
    for name in LOOKUP_KEYS.keys() & seeds.keys():
        problems.extend(_overlaps(name, standards.seed(name), seeds[name].height))
    if problems:
        raise StandardsError(problems)
    return standards


def _read(path: Path, shown: str, problems: list[StandardsProblem]) -> pl.DataFrame | None:
    frame, found = _parsed(path.read_bytes(), shown)
    problems.extend(found)
    return frame


@lru_cache(maxsize=256)
def _parsed(content: bytes, shown: str) -> tuple[pl.DataFrame | None, list[StandardsProblem]]:
    """Rows of one file, None when it has problems. The same bytes are read once: a night loads the standards more than once."""
    problems: list[StandardsProblem] = []
    return _frame(content, shown, problems), problems


def _frame(content: bytes, shown: str, problems: list[StandardsProblem]) -> pl.DataFrame | None:
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        problems.append(StandardsProblem(shown, None, "(the file)", "", f"is not a UTF-8 CSV file: {error}"))
        return None
    header = rows[0] if rows else []
    if lacking := [column for column in PROVENANCE if column not in header]:
        problems.append(StandardsProblem(shown, 1, "(the header)", ", ".join(header), f"lacks {', '.join(lacking)}"))
        return None
    if len(set(header)) != len(header):
        problems.append(StandardsProblem(shown, 1, "(the header)", ", ".join(header), "names a column twice"))
        return None
    body = [(number, row) for number, row in enumerate(rows[1:], start=2) if row]
    found = len(problems)
    for number, row in body:
        if len(row) != len(header):
            message = f"has {len(row)} fields, the header {len(header)}: is a comma missing its quotes?"
            problems.append(StandardsProblem(shown, number, "(the row)", ",".join(row)[:80], message))
            continue
        _check_provenance(dict(zip(header, row, strict=True)), number, shown, problems)
    if len(problems) > found:
        return None
    columns = {name: [row[at].strip() or None for _, row in body] for at, name in enumerate(header)}
    return pl.DataFrame(columns, schema=dict.fromkeys(header, pl.String))


def _check_provenance(row: dict[str, str], number: int, shown: str, problems: list[StandardsProblem]) -> None:
    dates: dict[str, date] = {}
    for column in ("valid_from", "valid_to"):
        text = row[column].strip()
        if not text and column == "valid_to":
            continue
        try:
            dates[column] = date.fromisoformat(text)
        except ValueError:
            problems.append(StandardsProblem(shown, number, column, text, "must be a date like 2026-01-31"))
    if len(dates) == 2 and dates["valid_to"] <= dates["valid_from"]:
        message = f"is exclusive and must be after valid_from, {dates['valid_from']}"
        problems.append(StandardsProblem(shown, number, "valid_to", row["valid_to"], message))
    for column in ("version", "source_ref"):
        if not row[column].strip():
            problems.append(StandardsProblem(shown, number, column, "", "may not be empty: which edition, from where?"))
    if row["verification_status"].strip() not in set(VerificationStatus):
        message = f"must be one of {', '.join(VerificationStatus)}"
        problems.append(StandardsProblem(shown, number, "verification_status", row["verification_status"], message))


def _overlaps(name: str, frame: pl.DataFrame, base_height: int) -> list[StandardsProblem]:
    """Rows of one key whose validities overlap. Row numbers are those of the file the later row stands in."""
    key = LOOKUP_KEYS[name]
    if lacking := [column for column in key if column not in frame.columns]:
        return [StandardsProblem(f"{name}.csv", 1, "(the header)", ", ".join(frame.columns), f"lacks {', '.join(lacking)}")]
    ordered = (
        frame.with_row_index("at")
        .with_columns(pl.col("valid_from").str.to_date(), pl.col("valid_to").str.to_date().fill_null(date.max))
        .sort(*key, "valid_from", "at", nulls_last=True)
        .with_columns(previous_end=pl.col("valid_to").shift(1).over(key), previous_at=pl.col("at").shift(1).over(key))
        .filter(pl.col("previous_end") > pl.col("valid_from"))
    )
    problems = []
    for row in ordered.iter_rows(named=True):
        later, earlier = max(row["at"], row["previous_at"]), min(row["at"], row["previous_at"])
        file, number = (f"{name}.csv", later + 2) if later < base_height else (f"own {name}.csv", later - base_height + 2)
        other = f"row {earlier + 2}" if earlier < base_height else f"own row {earlier - base_height + 2}"
        value = " / ".join(str(row[column]) for column in key if row[column] is not None)
        message = f"stands also in {other}, and both hold on {row['valid_from']}; end one of them with valid_to"
        problems.append(StandardsProblem(file, number, " / ".join(key), value, message))
    return problems
