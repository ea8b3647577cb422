"""The audit of the sample park: what stands in audit.yaml, dated for one sample.

Rounds, findings, options, decisions, events and their registers are rows of the records they become; here they get their dates
and what follows from the model (what a measure promises, what a target counts). What their files look like is `audit_papers`.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from pydantic import field_validator

from pipelines.contracts.records import DATE, INSTANT, RECORD_TYPES
from pipelines.sample import cast
from pipelines.sample.cast import Fixed
from pipelines.sample.physics import Effect, Park, Part
from pipelines.sample.rhythm import month_start

FOREVER = date(2100, 1, 1)
_MOMENT = re.compile(r"^(?:(?P<months>-?\d+) (?P<day>\d+)|\+(?P<after>\d+))(?: (?P<hour>\d\d):(?P<minute>\d\d))?$")
_TEXT = pl.String()
_PARAMETER = {"electricity": "electricity", "water": "tap_water"}


class AuditPart(Fixed):
    """A part of an enterprise's use, and the meter that counts it."""

    point_id: str
    enterprise_id: str
    process_id: str
    item: str
    share: float
    multiplier: float
    kind: str
    parent: str
    name: str

    @property
    def parameter_code(self) -> str:
        return _PARAMETER[self.item]

    @property
    def unit(self) -> str:
        return "kWh" if self.item == "electricity" else "m3"


class AuditEffect(Fixed):
    point_id: str
    begins: str
    ends: str | None = None
    saves: float
    adds: float = 0.0
    measure_id: str | None = None


class Waste(Fixed):
    """A stream of waste: a share of the hazardous waste, or tonnes per unit of what is made or burnt."""

    enterprise_id: str
    process_id: str
    waste_code: str
    every: int
    share: float = 0.0
    tonnes_per_unit: float = 0.0
    of: str | None = None
    licence: str | None = None
    receiver_id: str | None = None

    @property
    def kind(self) -> str:
        return "general" if self.waste_code.startswith("SW") else "hazardous"


class ManifestFault(Fixed):
    enterprise_id: str
    waste_code: str
    shipment: int
    received_share: float | None
    what: str


class AuditStory(Fixed):
    """audit.yaml. Rows of records are mappings of canonical columns."""

    parts: tuple[AuditPart, ...]
    effects: tuple[AuditEffect, ...]
    rounds: list[dict[str, Any]]
    steps: dict[str, dict[str, str | None]]
    finding: list[dict[str, Any]]
    measure: list[dict[str, Any]]
    measure_meter: list[dict[str, Any]]
    event: list[dict[str, Any]]
    review: list[dict[str, Any]]
    target: list[dict[str, Any]]
    waste: tuple[Waste, ...]
    manifest_faults: tuple[ManifestFault, ...]
    equipment: list[dict[str, Any]]
    chemical: list[dict[str, Any]]
    receptor: list[dict[str, Any]]
    emergency_plan: list[dict[str, Any]]
    qualification: list[dict[str, Any]]
    material_offer: list[dict[str, Any]]
    answers: dict[str, dict[str, dict[str, str | float]]]
    park_survey: dict[str, list[str | float]]

    @field_validator("park_survey")
    @classmethod
    def _three_years(cls, value: dict[str, list]) -> dict[str, list]:
        if wrong := [item for item, years in value.items() if len(years) != 3]:
            raise ValueError(f"park_survey: {', '.join(wrong)} has not three years")
        return value


@cache
def story() -> AuditStory:
    return AuditStory.model_validate(yaml.safe_load(Path(__file__).with_name("audit.yaml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Calendar:
    """Dates of the story for a sample that begins on `first`. They do not depend on how long it is."""

    first: date

    @cached_property
    def month(self) -> date:
        """First day of the month in which readings begin."""
        return month_start(self.first)

    def moment(self, text: str) -> datetime:
        """`-9 12` and `+26`, each also with a time of day. Raises ValueError for another text."""
        found = _MOMENT.match(text)
        if found is None:
            raise ValueError(f"{text!r} is no date of the story; right would be '-9 12' (months and day) or '+26' (days after the first)")
        if found["after"]:
            day = self.first + timedelta(days=int(found["after"]))
        else:
            day = month_start(self.month, int(found["months"])).replace(day=int(found["day"]))
        return datetime.combine(day, time(int(found["hour"] or 0), int(found["minute"] or 0)))

    def day(self, text: str) -> date:
        return self.moment(text).date()


def parts() -> tuple[Part, ...]:
    """Every part that a meter of the audit counts."""
    return tuple(Part(part.point_id, part.enterprise_id, part.process_id, part.item, part.share) for part in story().parts)


def effects(first: date) -> tuple[Effect, ...]:
    """What was done to the parts of a sample that begins on `first`, in order of time."""
    calendar = Calendar(first)
    found = [
        Effect(
            effect.point_id,
            calendar.day(effect.begins),
            calendar.day(effect.ends) if effect.ends else FOREVER,
            effect.saves,
            effect.adds,
            effect.measure_id,
        )
        for effect in story().effects
    ]
    return tuple(sorted(found, key=lambda effect: effect.begins))


class Audit:
    """The story's rows with their dates and numbers; every cell a text, as files carry them."""

    def __init__(self, park: Park, first: date, last: date) -> None:
        self.park, self.first, self.last = park, first, last
        self.calendar = Calendar(first)
        self.story = story()
        self.whole_year = self.calendar.month.year - 1
        """Last calendar year that is over when the sample begins."""

    # rows of records

    def _row(self, record: str, row: dict[str, Any]) -> dict[str, str | None]:
        """A row's cells. Raises KeyError for a column that the record does not have."""
        columns = RECORD_TYPES[record].by_name
        cells: dict[str, str | None] = {}
        for name, value in row.items():
            column = columns.get(name) or columns[f"{name}_utc"]
            if value is not None and column.dtype == DATE:
                value = str(self.calendar.day(value))
            elif value is not None and column.dtype == INSTANT:
                value = f"{self.calendar.moment(value):%Y-%m-%d %H:%M}"
            elif isinstance(value, float):
                value = f"{value:.10g}"
            cells[name] = None if value is None else str(value)
        return cells

    def _frame(self, record: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
        """Rows as a frame of texts with all columns of the record that any row has, in the record's order."""
        cells = [self._row(record, row) for row in rows]
        names = [name.removesuffix("_utc") for name in RECORD_TYPES[record].by_name]
        used = [name for name in names if any(name in row for row in cells)]
        return pl.DataFrame([{name: row.get(name) for name in used} for row in cells], schema=dict.fromkeys(used, _TEXT))

    def register(self, record: str) -> pl.DataFrame:
        """A register of the story, whole; what says nothing else has been so since ever."""
        rows = self.story.rounds if record == "audit_round" else getattr(self.story, record)
        since = {"valid_from": None, "valid_to": None}
        made = self._frame(record, [since | row for row in rows])
        return made.with_columns(pl.col("valid_from").fill_null(cast.VALID_SINCE))

    def findings(self) -> pl.DataFrame:
        return self._frame("finding", [self._with_evidence("finding_id", row) for row in self.story.finding])

    def measures(self) -> pl.DataFrame:
        rows = []
        for row in self.story.measure:
            made = self._with_evidence("measure_id", row)
            if (share := made.pop("promises", None)) is not None:
                made["promised_quantity"], made["unit"] = self._promise(row["measure_id"], share)
            rows.append(made)
        return self._frame("measure", rows)

    @staticmethod
    def _with_evidence(key: str, row: dict[str, Any]) -> dict[str, Any]:
        made = dict(row)
        documented = made.pop("evidence", None) != "none"
        return made | {"evidence_sha256": _hash(row[key]) if documented else None}

    def _promise(self, measure_id: str, share: float) -> tuple[float, str]:
        """What a measure promises a year: a share of what its part used in the last whole year, without it."""
        effect = next(effect for effect in self.story.effects if effect.measure_id == measure_id)
        part = self.part(effect.point_id)
        return _rounded(share * self._yearly(self.park.part(self._of(part), without=measure_id))), part.unit

    def events(self) -> pl.DataFrame:
        """Everything that has happened by the sample's last day, oldest first."""
        rows = [row for row in self.story.event if self.calendar.day(row["occurred_on"]) <= self.last]
        documented = ("penalty", "violation", "drill", "training", "inspection", "non_routine")
        made = [row | {"evidence_sha256": _hash(row["event_id"]) if row["event_kind"] in documented else None} for row in rows]
        return self._frame("event", made).sort("occurred_on", "event_id")

    def reviews(self) -> pl.DataFrame:
        rows = []
        for row in self.story.review:
            made = row | {"evidence_sha256": _hash(row["review_id"])}
            if _MOMENT.match(made.get("value_text") or ""):
                made["value_text"] = str(self.calendar.day(made["value_text"]))
            # rows of a table may be named by dates
            made["subject_key"] = " / ".join(
                str(self.calendar.day(part)) if _MOMENT.match(part) else part for part in made["subject_key"].split(" / ")
            )
            rows.append(made)
        return self._frame("review", rows)

    def targets(self) -> pl.DataFrame:
        rows = []
        for row in self.story.target:
            made = dict(row)
            figure, unit = self._figure(row["subject_kind"], row["subject_id"], row["metric_code"])
            made |= {"target_year": self.whole_year + made.pop("years"), "baseline_year": self.whole_year}
            rows.append(made | {"target_value": _rounded(figure * made.pop("counts")), "unit": unit})
        return self._frame("target", [{name: value for name, value in row.items() if name not in ("counts", "years")} for row in rows])

    def steps(self) -> pl.DataFrame:
        """Steps of every round; a step that is not done was entered when the round was."""
        rows = []
        for round_id, steps in self.story.steps.items():
            opened = next(row["valid_from"] for row in self.story.rounds if row["round_id"] == round_id)
            for step, done in steps.items():
                code = step.rstrip("*")
                rows.append(
                    {
                        "round_id": round_id, "step_code": code, "entered_on": done or opened, "done_on": done,
                        "role": "enterprise" if done else None,
                        "evidence_sha256": _hash(f"{round_id} {code}") if done and not step.endswith("*") else None,
                    }
                )  # fmt: skip
        return self._frame("audit_step", rows)

    def answers(self) -> pl.DataFrame:
        """What surveyors found of the control of risk, of firms and park, of the candidates for the focus; and the park's own figures."""
        asked = {"HJ941": ("-5 20", "auditor"), "EIP2": ("-4 10", "park_office"), "AUDIT_FOCUS": ("-16 20", "auditor")}
        rows = [
            (_kind_of(subject), subject, checklist, item, str(self.calendar.day(on)), role, answer)
            for checklist, items in self.story.answers.items()
            for on, role in (asked[checklist],)
            for item, answers in items.items()
            for subject, answer in answers.items()
        ]
        rows += [
            ("park", cast.PARK_ID, "HJ274", item, str(date(self.whole_year - 2 + at, 12, 20)), "park_office", answer)
            for item, years in self.story.park_survey.items()
            for at, answer in enumerate(years)
        ]
        made = [(*row, "number", f"{row[-1]:g}") if not isinstance(row[-1], str) else (*row, row[-1], None) for row in rows]
        columns = ["subject_kind", "subject", "checklist", "item", "date", "role", "said", "answer", "value"]
        frame = pl.DataFrame([tuple(map(_text, row)) for row in made], schema=dict.fromkeys(columns, _TEXT), orient="row").drop("said")
        return frame.with_columns(evidence=pl.format("{}/{}/{}", "subject", "checklist", "item").map_elements(_hash, _TEXT))

    # figures of the model

    def part(self, point_id: str) -> AuditPart:
        return next(part for part in self.story.parts if part.point_id == point_id)

    @staticmethod
    def _of(part: AuditPart) -> Part:
        return next(other for other in parts() if other.point_id == part.point_id)

    def _yearly(self, daily: np.ndarray, year: int | None = None) -> float:
        year = year or self.whole_year
        low, high = max(date(year, 1, 1), self.park.days.first), min(date(year, 12, 31), self.park.days.last)
        return float(daily[self.park.days.slice(low, high)].sum())

    def _figure(self, subject_kind: str, subject: str, metric: str) -> tuple[float, str]:
        """What the model says of a metric in the last whole year, and its unit."""
        members = self.park.enterprises if subject_kind == "park" else [self.park.by_id[subject]]
        kind, _, code = metric.partition(":")
        if kind == "item":
            amount = self.park.electricity if code == "electricity" else self.park.water
            return sum(self._yearly(amount(member)) for member in members), "kWh" if code == "electricity" else "m3"
        if kind == "mass":
            outlets = [
                outlet for member in members for outlet in member.wastewater if subject_kind != "park" or outlet.discharge_kind == "direct"
            ]
            mass = [self.park.discharge(outlet) * self.park.concentration(outlet, code) * 1e-3 for outlet in outlets]
            return sum(map(self._yearly, mass)), "kg"
        amount, money, unit = {
            "electricity_per_output_value": (self.park.electricity, lambda member: 1.0, "kWh/10^4 CNY"),
            "fresh_water_per_value_added": (self.park.water, lambda member: member.value_added_share, "m3/10^4 CNY"),
        }[metric]
        value = sum(self._yearly(self.park.output_value(member)) * money(member) for member in members)
        return sum(self._yearly(amount(member)) for member in members) / value * 1e4, unit

    # the meters' book

    def months(self) -> list[date]:
        """First days on which the meters of the audit were read: two years and a month before the readings begin."""
        days = [month_start(self.calendar.month, back) for back in range(-25, 1)]
        return [day for day in days if day > self.park.days.first]

    def metered(self, part: AuditPart, *, without: str | None = None) -> pl.DataFrame:
        """What a part used between two readings of its meter: month and quantity in the meter's unit."""
        daily, months = self.park.part(self._of(part), without=without), self.months()
        spans = list(pairwise(months))
        amounts = [float(daily[self.park.days.slice(low, high - timedelta(days=1))].sum()) for low, high in spans]
        return pl.DataFrame({"month": [low for low, _ in spans], "quantity": amounts}, schema={"month": pl.Date, "quantity": pl.Float64})

    def savings(self) -> pl.DataFrame:
        """What every measure truly saved at its meter, month by month: with all the others, against all the others alone."""
        frames = []
        for effect in self.story.effects:
            if effect.measure_id is None:
                continue
            part = self.part(effect.point_id)
            both = self.metered(part, without=effect.measure_id).join(self.metered(part), on="month", suffix="_metered")
            frames.append(
                both.select(
                    measure_id=pl.lit(effect.measure_id), point_id=pl.lit(part.point_id), parameter_code=pl.lit(part.parameter_code), month="month",
                    metered="quantity_metered", saved=(pl.col("quantity") - pl.col("quantity_metered")).round(6), unit=pl.lit(part.unit),
                )
            )  # fmt: skip
        return pl.concat(frames)


def _kind_of(subject: str) -> str:
    return "park" if subject == cast.PARK_ID else "process" if "-P" in subject else "enterprise"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _rounded(value: float) -> float:
    """Four significant digits, as people promise."""
    return float(f"{value:.4g}")


def _hash(name: str) -> str:
    """A document's hash; the document itself is as invented as its name."""
    return hashlib.sha256(f"sample document {name}".encode()).hexdigest()
