"""Verified effects against the sample park's truth: what its measures saved is known, also of the one that saved nothing."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.assessment.measure_effect import EFFECT
from pipelines.assessment.measure_series import month_of, months_after
from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.standards import Standards
from pipelines.sample import audit
from pipelines.sample.audit import Audit
from pipelines.sample.generate import DEFAULT_DAYS, DEFAULT_END, model
from tests.assessment.measures import CONSUMPTION, EMISSION, QUANTITIES, context, mv_rules, produced, read, rows

FIRST = DEFAULT_END - timedelta(days=DEFAULT_DAYS - 1)


def typed(record: str, texts: pl.DataFrame) -> pl.DataFrame:
    """The story's rows, all texts, as a staging view has them; times of day are nobody's business here."""
    columns = {column.name: column.dtype for column in RECORD_TYPES[record].columns if column.name in texts.columns}
    cast = [pl.col(name).str.to_date() if dtype == pl.Date else pl.col(name).cast(dtype) for name, dtype in columns.items()]
    return rows(record, *texts.select(cast).to_dicts())


def book(story: Audit) -> pl.DataFrame:
    """The meters of the audit, read by hand on the first of every month: intervals longer than a day."""
    made = []
    for part in audit.story().parts:
        for month, quantity in story.metered(story.part(part.point_id)).iter_rows():
            hours = (months_after(month, 1) - month).days * 24.0
            made.append(
                {
                    "point_id": part.point_id, "parameter_code": story.part(part.point_id).parameter_code, "period_start": month,
                    "period_end": months_after(month, 1), "quantity": quantity, "measured_quantity": quantity, "hours_covered": hours, "hours_expected": hours,
                    "unit": story.part(part.point_id).unit, "basis": "long",
                }
            )  # fmt: skip
    return pl.DataFrame(made, schema=QUANTITIES)


def output(story: Audit) -> pl.DataFrame:
    """True output of every product by whole months."""
    frames = []
    for enterprise in story.park.enterprises:
        for product in enterprise.products:
            daily = story.park.output(enterprise, product.code)
            days = [story.park.days.first + timedelta(days=at) for at in range(daily.size)]
            by_month: dict[date, float] = {}
            for day, made in zip(days, daily, strict=True):
                by_month[month_of(day)] = by_month.get(month_of(day), 0.0) + float(made)
            frames.append(produced(product.code, by_month, enterprise.enterprise_id, product.unit))
    return pl.concat(frames)


@pytest.fixture(scope="module")
def story() -> Audit:
    return Audit(model(12, FIRST, DEFAULT_END), FIRST, DEFAULT_END)


@pytest.fixture(scope="module")
def found(story: Audit, shipped_standards: Standards) -> dict[str, pl.DataFrame]:
    return verified(story, shipped_standards)


def verified(story: Audit, shipped_standards: Standards) -> dict[str, pl.DataFrame]:
    parts = audit.story().parts
    frames = read(
        EFFECT,
        measures=typed("measure", story.measures()),
        meters=typed("measure_meter", story.register("measure_meter")),
        events=typed("event", story.events()),
        relations=rows("entity_relation"),
        points=rows(
            "point", *({"point_id": part.point_id, "enterprise_id": part.enterprise_id, "process_id": part.process_id} for part in parts)
        ),
        meter_links=rows("meter_link"),
        quantities=book(story),
        production=output(story),
        consumption=pl.DataFrame(schema=CONSUMPTION),
        emission=pl.DataFrame(schema=EMISSION),
        rules=mv_rules(shipped_standards),
    )
    return EFFECT.run(frames, context(shipped_standards, DEFAULT_END)).frames


def true_saving(story: Audit, found: dict[str, pl.DataFrame], *measures: str) -> float:
    """What measures truly saved in the months that the result rests on."""
    used = found["measure_effect_period"].filter((pl.col("role") == "reporting") & pl.col("excluded_because").is_null())
    months = used.filter(pl.col("measure_id").is_in(measures))["period_start"].unique()
    return story.savings().filter(pl.col("measure_id").is_in(measures) & pl.col("month").is_in(months.to_list()))["saved"].sum()


def row(found: dict[str, pl.DataFrame], measure_id: str) -> dict:
    return found["measure_effect"].filter(pl.col("measure_id") == measure_id).row(0, named=True)


@pytest.mark.parametrize("measure_id", ["M-E002-01", "M-E010-01"])
def test_what_was_saved_is_found(story: Audit, found: dict[str, pl.DataFrame], measure_id: str) -> None:
    effect = row(found, measure_id)
    assert effect["decision"] == "verified"
    assert effect["saving_quantity"] == pytest.approx(true_saving(story, found, measure_id), rel=0.20)


def test_two_on_one_meter_are_found_together(story: Audit, found: dict[str, pl.DataFrame]) -> None:
    effect = row(found, "M-E001-01")
    assert (effect["decision"], effect["split_rule"]) == ("not_verifiable", "not_split")
    assert effect["meter_saving_quantity"] == pytest.approx(true_saving(story, found, "M-E001-01", "M-E001-02"), rel=0.10)


def test_what_saved_nothing_is_not_verified(found: dict[str, pl.DataFrame]) -> None:
    assert row(found, "M-E004-01")["decision"] == "not_verifiable"


def test_the_hired_blower_is_no_failure_of_the_measure(story: Audit, found: dict[str, pl.DataFrame]) -> None:
    """Without the adjustment for it the saving would look a third smaller than it was."""
    effect = row(found, "M-E010-01")
    unadjusted = effect["saving_quantity"] - effect["adjustment_quantity"]
    assert effect["adjustment_quantity"] > 0
    assert unadjusted < 0.8 * true_saving(story, found, "M-E010-01")


def test_measures_without_a_meter_say_so(found: dict[str, pl.DataFrame]) -> None:
    alone = found["measure_effect"].filter(pl.col("point_id") == "-")
    assert set(alone["measure_id"]) == {"M-E002-02", "M-E004-02"}
    assert set(alone["decision"]) == {"not_verifiable"}


@pytest.mark.slow
def test_intervals_hold_what_they_say_in_many_parks(shipped_standards: Standards) -> None:
    """The same story in sixteen parks: nine of ten 90 % intervals hold the truth, and what saved nothing is never verified."""
    held = []
    for seed in range(1, 17):
        story = Audit(model(12, FIRST, DEFAULT_END, seed), FIRST, DEFAULT_END)
        found = verified(story, shipped_standards)
        assert row(found, "M-E004-01")["decision"] == "not_verifiable", seed
        for measure_id in ("M-E002-01", "M-E010-01"):
            effect = row(found, measure_id)
            assert effect["decision"] == "verified", (seed, measure_id)
            held.append(effect["saving_lower_90"] <= true_saving(story, found, measure_id) <= effect["saving_upper_90"])
    assert np.mean(held) >= 0.8
