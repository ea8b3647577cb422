"""The audit's story is true of the model: savings stand in the meters, books agree, and what was planted is there."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.sample import audit, truth
from pipelines.sample.audit import Audit, Calendar
from pipelines.sample.audit_papers import AUDIT_REGISTERS, AuditPapers
from pipelines.sample.generate import DEFAULT_DAYS, DEFAULT_END, model
from pipelines.sample.physics import Park

FIRST = DEFAULT_END - timedelta(days=DEFAULT_DAYS - 1)


@pytest.fixture(scope="module")
def story() -> Audit:
    return Audit(model(12, FIRST, DEFAULT_END), FIRST, DEFAULT_END)


@pytest.fixture(scope="module")
def papers(story: Audit) -> AuditPapers:
    return AuditPapers(story)


def _read(home: Path, table: str) -> pl.DataFrame:
    return truth.read(home / "sample_truth", table)


# dates


def test_dates_are_counted_from_the_first_day() -> None:
    calendar = Calendar(date(2026, 9, 5))
    assert calendar.day("-9 12") == date(2025, 12, 12)
    assert calendar.day("+26") == date(2026, 10, 1)
    assert (calendar.moment("+1 10:20").hour, calendar.day("0 30")) == (10, date(2026, 9, 30))
    with pytest.raises(ValueError, match="is no date of the story"):
        calendar.day("2026-01-01")


def test_the_story_does_not_depend_on_how_long_the_sample_is(story: Audit) -> None:
    longer = Audit(model(12, FIRST, DEFAULT_END + timedelta(days=20)), FIRST, DEFAULT_END + timedelta(days=20))
    for name in ("findings", "measures", "reviews", "targets", "steps", "answers"):
        assert getattr(longer, name)().equals(getattr(story, name)()), name
    for record in AUDIT_REGISTERS:
        assert longer.register(record).equals(story.register(record)), record
    assert longer.savings().equals(story.savings())


def test_a_long_sample_has_its_story_too() -> None:
    first = date(2022, 9, 1)
    long = AuditPapers(Audit(model(12, first, DEFAULT_END), first, DEFAULT_END))
    assert {paper.feed_id for paper in long.papers()} >= {"audit_targets", "audit_meter_book", "report_park", "waste_ledger"}
    assert all(float(value) > 0 for value in long.audit.targets()["target_value"])


# measures and meters


def test_what_measures_saved_is_missing_from_the_enterprises_use(story: Audit) -> None:
    """The step is in the works' own consumption, so that grid meter, declarations and the audit's meter tell one story."""
    park = story.park
    savings = story.savings().group_by("measure_id").agg(pl.col("saved").sum())
    saved = dict(savings.iter_rows())
    months = park.days.slice(story.months()[0], FIRST - timedelta(days=1))
    difference = {}
    for part in audit.story().parts:
        others = tuple(effect for effect in park.effects if effect.point_id != part.point_id)
        without = Park(park.seed, park.days, park.enterprises, park.parts, others)
        used = [getattr(one, part.item)(one.by_id[part.enterprise_id])[months].sum() for one in (without, park)]
        difference[part.enterprise_id] = float(used[0] - used[1])
    assert difference["E002"] == pytest.approx(saved["M-E002-01"], rel=1e-9)
    assert difference["E004"] == saved["M-E004-01"] == 0.0
    # What each of two saves against the other alone is less than both together: they act one after the other.
    assert 0.9 * difference["E001"] < saved["M-E001-01"] + saved["M-E001-02"] < difference["E001"]
    # The hired blower hides a part of the saving from the enterprise's bill.
    extra = 700.0 * (date(2026, 7, 1) - date(2026, 5, 1)).days
    assert difference["E010"] == pytest.approx(saved["M-E010-01"] - extra, rel=1e-9)


@pytest.mark.parametrize(
    ("measure", "point", "driver", "saves"),
    [
        ("M-E010-01", "E010-EL-AE", "E010-TREATED", 0.13), ("M-E002-01", "E002-WA-DS", "E002-DS", 0.16), ("M-E004-01", "E004-WA-RN", "E004-PLATED", 0.0),
        ("M-E001-01", "E001-EL-CS", "E001-ML", 1 - 0.93 * 0.88),
    ],
)  # fmt: skip
def test_the_step_can_be_seen_against_the_driver(story: Audit, measure: str, point: str, driver: str, saves: float) -> None:
    """A straight line through the months before tells what would have been used: the rest is what the measure does."""
    part = story.part(point)
    metered = story.metered(part)
    daily = story.park.output(story.park.by_id[part.enterprise_id], driver)
    months = metered["month"].to_list()
    ends = [*months[1:], story.calendar.month]
    made = np.array([daily[story.park.days.slice(low, high - timedelta(days=1))].sum() for low, high in zip(months, ends, strict=True)])
    used = metered["quantity"].to_numpy().copy()
    for at, month in enumerate(months):  # what another change added is known, and adjusted for
        used[at] -= 700.0 * (ends[at] - month).days if point == "E010-EL-AE" and date(2026, 5, 1) <= month < date(2026, 7, 1) else 0.0
    effects = [effect for effect in story.park.effects if effect.point_id == point and effect.measure_id]
    before = np.array([month < min(effect.begins for effect in effects) for month in months])
    after = np.array([month >= max(effect.begins for effect in effects) for month in months])
    assert before.sum() >= 12 and after.sum() >= 7
    slope, base = np.polyfit(made[before], used[before], 1)
    fitted = base + slope * made
    assert np.corrcoef(made[before], used[before])[0, 1] ** 2 > 0.75
    assert (used[after] / fitted[after]).mean() == pytest.approx(1 - saves, abs=0.02)
    assert measure in {effect.measure_id for effect in effects}


def test_the_book_shows_what_the_meters_counted(story: Audit, home: Path) -> None:
    book = pl.read_csv(home / "raw" / "audit_meter_book" / "book.csv", infer_schema=False).with_columns(pl.col("止码").cast(pl.Float64))
    for part in audit.story().parts:
        shown = book.filter(pl.col("表号") == part.point_id).sort("抄表日期")["止码"].to_numpy()
        assert np.diff(shown) * part.multiplier == pytest.approx(story.metered(part)["quantity"].to_numpy(), abs=part.multiplier * 0.02)


def test_promises_are_of_the_size_of_what_the_meter_counts(story: Audit) -> None:
    measures = story.measures().filter(pl.col("measure_id").is_in(["M-E010-01", "M-E002-01"]))
    yearly = dict(story.savings().filter(pl.col("saved") > 0).group_by("measure_id").agg(pl.col("saved").mean() * 12).iter_rows())
    kept = {row["measure_id"]: yearly[row["measure_id"]] / float(row["promised_quantity"]) for row in measures.iter_rows(named=True)}
    assert kept["M-E010-01"] == pytest.approx(0.13 / 0.14, rel=0.15)
    assert kept["M-E002-01"] == pytest.approx(0.16 / 0.22, rel=0.15)


# waste


def test_books_of_waste_agree_with_each_other_and_with_the_statistics(papers: AuditPapers, home: Path) -> None:
    lines = papers.waste.lines
    moved = {
        movement: lines.filter(pl.col("movement") == movement).group_by("enterprise_id", "waste_code").agg(pl.col("quantity_t").sum())
        for movement in ("generated", "stored", "withdrawn", "transferred")
    }
    assert moved["generated"].sort("enterprise_id", "waste_code").equals(moved["stored"].sort("enterprise_id", "waste_code"))
    assert moved["withdrawn"].sort("enterprise_id", "waste_code").equals(moved["transferred"].sort("enterprise_id", "waste_code"))
    stocks = _read(home, "waste_stock")
    assert (stocks["stock_t"] >= 0).all()
    # What arises by the ledger is what the enterprise declares every month.
    declared = _read(home, "declarations").filter((pl.col("item_code") == "hazardous_waste") & (pl.col("medium") == "generated"))
    ledger = (
        lines.filter((pl.col("movement") == "generated") & (pl.col("waste_kind") == "hazardous"))
        .group_by("enterprise_id", period_start=pl.col("moved_on").dt.month_start())
        .agg(pl.col("quantity_t").sum())
    )
    both = ledger.join(declared, on=["enterprise_id", "period_start"])
    assert both.height >= 12 * 7
    assert (both["quantity_t"] - both["true_value"]).abs().max() <= 0.003


def test_one_receiver_contradicts_and_one_is_silent(papers: AuditPapers) -> None:
    manifests = papers.waste.manifests
    silent = manifests.filter(pl.col("received_t").is_null())
    wrong = manifests.filter((pl.col("received_t") / pl.col("quantity_t") - 1).abs() > 1e-9)
    planted = {kind: key for kind, key, _, _ in papers.waste.planted()}
    assert silent["manifest_id"].to_list() == [planted["unconfirmed_manifest"]]
    assert wrong["manifest_id"].to_list() == [planted["manifest_mismatch"]]
    inside = papers.waste.lines.filter(pl.col("movement") == "received")
    assert set(inside["enterprise_id"]) == {"E008"} and (set(inside["manifest_id"]) <= set(manifests["manifest_id"]))


# what was planted


def test_everything_planted_is_in_the_papers(papers: AuditPapers) -> None:
    """Every key of the answer sheet names rows that were written, and the rows say what the sheet says of them."""
    story = papers.audit
    rows = {
        "finding": story.findings(), "measure": story.measures(), "event": story.events(), "review": story.reviews(), "audit_step": story.steps(),
        "waste_movement": papers.waste.lines, **{record: story.register(record) for record in AUDIT_REGISTERS},
    }  # fmt: skip
    key_of = {
        "finding": ["finding_id"], "measure": ["measure_id"], "event": ["event_id"], "review": ["review_id"], "audit_step": ["round_id", "step_code"],
        "emergency_plan": ["plan_id"], "equipment": ["equipment_id"], "qualification": ["qualification_id"], "material_offer": ["item_code"],
    }  # fmt: skip
    for kind, record, key, _, what in papers.planted().iter_rows():
        if kind == "no_plan":
            assert key not in set(rows[record]["enterprise_id"])
            continue
        names = ["waste_code" if kind == "never_shipped" else "manifest_id"] if record == "waste_movement" else key_of[record]
        for one in key.split(", "):
            found = rows[record].filter(pl.concat_str(names, separator=" / ") == one)
            assert found.height, (kind, key, what)
    overdue = story.steps().filter(pl.concat_str("round_id", "step_code", separator=" / ") == "R-E006-1 / audit_report")
    assert overdue["done_on"].to_list() == [None]
    plan = story.register("emergency_plan").filter(pl.col("plan_id") == "P-E006-1")
    assert date.fromisoformat(plan["expires_on"][0]) < FIRST


def test_complaints_lie_in_the_hours_of_what_truly_happened(story: Audit, home: Path) -> None:
    conditions = _read(home, "conditions")
    events = story.events().filter(pl.col("event_id").is_in(["X-009", "X-010"]))
    for row in events.iter_rows(named=True):
        day = date.fromisoformat(row["occurred_on"])
        near = conditions.filter(
            pl.col("point_id").str.starts_with(row["subject_id"]) & (pl.col("parameter_code") == row["parameter_code"])
        )
        assert near.height == 1
        assert near["first_date"][0] <= day <= near["last_date"][0], row["event_id"]
