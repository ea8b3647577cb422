"""Verified effects: the published example from meters to decision, and every way in which an effect cannot be told."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.assessment.measure_effect import EFFECT, NO_METER
from pipelines.assessment.method import Outcome
from pipelines.contracts.standards import Standards
from tests.assessment.measures import (
    CONSUMPTION,
    EMISSION,
    QUANTITIES,
    consumed,
    context,
    daily,
    discharged,
    metered,
    months,
    mv_rules,
    produced,
    read,
    rows,
)
from tests.assessment.test_regression import MWH, PRODUCTION, REPORTED_MWH, REPORTED_PRODUCTION

JULY = date(2025, 7, 15)
MEASURE = {
    "measure_id": "M1", "enterprise_id": "E1", "name": "m", "measure_class": "source_reduction", "cost_class": "medium_high", "status": "implemented",
    "proposed_on": date(2024, 5, 1), "completed_on": date(2025, 1, 1), "promised_item": "electricity", "promised_quantity": 400.0, "unit": "MWh",
}  # fmt: skip
METER = {"measure_id": "M1", "point_id": "P1", "parameter_code": "electricity", "driver_code": "WARE", "valid_from": date(2020, 1, 1)}
POINT = {"point_id": "P1", "enterprise_id": "E1", "name": "p", "kind": "energy", "valid_from": date(2020, 1, 1)}
EVENT = {
    "event_id": "V1", "event_kind": "non_routine", "subject_kind": "enterprise", "subject_id": "E1", "related_id": "M1", "occurred_on": date(2025, 3, 1),
    "ended_on": date(2025, 3, 11), "quantity": 2.0, "unit": "MWh", "parameter_code": "electricity", "evidence_sha256": "abc",
}  # fmt: skip
EXAMPLE = months(date(2024, 1, 1), [*MWH, *REPORTED_MWH])
WARE = months(date(2024, 1, 1), [*PRODUCTION, *REPORTED_PRODUCTION])


@dataclass
class Given:
    """The published example; a test changes what it is about."""

    standards: Standards
    measures: list[dict] = field(default_factory=lambda: [MEASURE])
    meters: list[dict] = field(default_factory=lambda: [METER])
    events: list[dict] = field(default_factory=list)
    relations: list[dict] = field(default_factory=list)
    points: list[dict] = field(default_factory=lambda: [POINT])
    meter_links: list[dict] = field(default_factory=list)
    quantities: pl.DataFrame = field(default_factory=lambda: metered("P1", "electricity", EXAMPLE))
    production: pl.DataFrame = field(default_factory=lambda: produced("WARE", WARE))
    consumption: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONSUMPTION))
    emission: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EMISSION))
    rules: pl.DataFrame | None = None
    today: date = JULY

    def outcome(self) -> Outcome:
        frames = read(
            EFFECT,
            measures=rows("measure", *self.measures),
            meters=rows("measure_meter", *self.meters),
            events=rows("event", *self.events),
            relations=rows("entity_relation", *self.relations),
            points=rows("point", *self.points),
            meter_links=rows("meter_link", *self.meter_links),
            quantities=self.quantities,
            production=self.production,
            consumption=self.consumption,
            emission=self.emission,
            rules=mv_rules(self.standards) if self.rules is None else self.rules,
        )
        return EFFECT.run(frames, context(self.standards, self.today))

    def effects(self) -> list[dict[str, Any]]:
        return self.outcome().frames["measure_effect"].sort("measure_id", "point_id", "parameter_code").to_dicts()

    def effect(self) -> dict[str, Any]:
        (row,) = self.effects()
        return row

    def reasons(self) -> list[str]:
        row = self.effect()
        assert (row["decision"], row["saving_quantity"]) == ("not_verifiable", None)
        return row["not_verifiable_because"]


@pytest.fixture
def given(shipped_standards: Standards) -> Given:
    return Given(shipped_standards)


class TestPublishedExample:
    def test_from_meters_to_decision(self, given: Given) -> None:
        row = given.effect()
        assert (row["decision"], row["not_verifiable_because"], row["state"]) == ("verified", None, "estimated")
        assert row["saving_quantity"] == pytest.approx(162.488, abs=5e-4)
        assert row["adjusted_baseline_quantity"] == pytest.approx(2727.488, abs=5e-4)
        assert (row["actual_quantity"], row["unit"]) == (pytest.approx(2565), "MWh")
        assert row["meter_saving_share"] == pytest.approx(0.05957, abs=5e-6)
        for level, half in ((68, 30.35), (90, 52.57), (95, 64.62)):
            assert row[f"saving_upper_{level}"] - row["saving_quantity"] == pytest.approx(half, abs=5e-3)
            assert row["saving_quantity"] - row[f"saving_lower_{level}"] == pytest.approx(half, abs=5e-3)
        assert row["uncertainty_share_90"] == pytest.approx(0.324, abs=5e-4)

    def test_statistics(self, given: Given) -> None:
        row = given.effect()
        assert (row["r2"], row["adjusted_r2"]) == (pytest.approx(0.92890, abs=5e-6), pytest.approx(0.92179, abs=5e-6))
        assert (row["rmse"], row["cv_rmse"]) == (pytest.approx(8.4161, abs=5e-5), pytest.approx(0.019138, abs=5e-7))
        assert (row["autocorrelation"], row["effective_points"]) == (pytest.approx(-0.6299, abs=5e-5), 12)
        assert (row["model_accepted"], row["rule_set"], row["applicability"]) == (True, "IPMVP-practice", "range")

    def test_naive_ways_stand_beside_it(self, given: Given) -> None:
        row = given.effect()
        assert row["naive_saving_quantity"] == pytest.approx(73.5)
        assert row["intensity_baseline"] == pytest.approx(0.48192, abs=5e-6)
        assert row["intensity_reporting"] == pytest.approx(0.44609, abs=5e-6)
        assert row["intensity_change_share"] == pytest.approx(-0.074, abs=5e-4)

    def test_a_year_of_it_against_the_promise(self, given: Given) -> None:
        row = given.effect()
        assert row["annual_saving_quantity"] == pytest.approx(2 * 162.488, abs=1e-3)
        assert row["kept_share"] == pytest.approx(2 * 162.488 / 400, abs=1e-5)
        given.measures = [MEASURE | {"promised_quantity": 400_000.0, "unit": "kWh"}]
        assert given.effect()["kept_share"] == pytest.approx(row["kept_share"])
        given.measures = [MEASURE | {"promised_item": "natural_gas", "unit": "m3"}]
        assert given.effect()["kept_share"] is None

    def test_the_months_add_up_to_the_saving(self, given: Given) -> None:
        frame = given.outcome().frames["measure_effect_period"]
        reporting = frame.filter(pl.col("role") == "reporting")
        assert (frame.filter(pl.col("role") == "baseline").height, reporting.height) == (12, 6)
        assert reporting["modelled_quantity"].to_list() == pytest.approx([435.71, 429.23, 455.12, 464.83, 468.06, 474.54], abs=5e-3)
        assert reporting["saving_quantity"].sum() == pytest.approx(162.488, abs=5e-4)
        assert reporting["driver_values"].to_list()[0] == ["WARE = 900.0 t"]
        assert frame["excluded_because"].null_count() == 18

    def test_terms_and_verdicts_are_kept(self, given: Given) -> None:
        frames = given.outcome().frames
        constant, ware = frames["measure_model_term"].sort("term", descending=True).to_dicts()
        assert (constant["term"], ware["term"]) == ("constant", "WARE")
        assert (constant["coefficient"], ware["coefficient"]) == (pytest.approx(144.4717, abs=5e-5), pytest.approx(0.323593, abs=5e-7))
        assert (ware["baseline_min"], ware["baseline_max"], ware["applicability"]) == (760, 1040, "range")
        assert (ware["driver_source"], ware["driver_unit"]) == ("declared output of WARE", "t")
        verdicts = frames["measure_model_acceptance"]
        assert verdicts["rule_set"].to_list() == ["G14-performance", "G14-prescriptive", "IPMVP-practice", "OpenDSM", "SEP"]
        assert verdicts["accepted"].all()
        assert verdicts.filter("decides")["rule_set"].to_list() == ["IPMVP-practice"]

    def test_it_says_so(self, given: Given) -> None:
        assert given.outcome().message == "1 implemented measures on 1 meters: 1 effects verified, 0 negative, 0 not verifiable"

    def test_the_same_again(self, given: Given) -> None:
        one, other = given.outcome().frames, given.outcome().frames
        assert all(one[name].equals(other[name]) for name in one)


class TestNotVerifiable:
    def test_without_a_meter(self, given: Given) -> None:
        given.meters = []
        assert given.reasons() == ["no meter is registered for it (measure_meter)"]
        assert given.effect()["point_id"] == NO_METER

    def test_without_a_day_of_completion(self, given: Given) -> None:
        given.measures = [MEASURE | {"completed_on": None}]
        assert given.reasons() == ["nobody said when it was completed"]

    def test_measures_that_are_not_implemented_have_no_row(self, given: Given) -> None:
        given.measures = [MEASURE | {"status": status, "measure_id": status} for status in ("proposed", "in_progress", "abandoned")]
        assert given.effects() == []

    def test_without_readings(self, given: Given) -> None:
        given.quantities = pl.DataFrame(schema=QUANTITIES)
        assert given.reasons() == ["nothing is known of electricity at P1"]

    def test_without_a_driver(self, given: Given) -> None:
        given.meters = [METER | {"driver_code": None}]
        assert given.reasons() == ["no driver is registered for the meter: nothing says what its quantity depends on"]
        # what can be said without one is said
        assert given.effect()["naive_saving_quantity"] == pytest.approx(73.5)

    def test_with_a_driver_that_nobody_knows(self, given: Given) -> None:
        given.meters = [METER | {"driver_code": "WARE other"}]
        assert given.reasons() == ["driver other: no product, metered parameter or consumed item of E1 has this code and is known"]

    def test_younger_than_it_must_be(self, given: Given) -> None:
        given.today = date(2025, 3, 20)
        assert given.reasons() == ["in operation since 2025-01-01: 2 usable months of 2, 3 are needed"]

    def test_with_a_short_baseline(self, given: Given) -> None:
        given.quantities = given.quantities.filter(pl.col("period_start") >= date(2024, 6, 1))
        assert given.reasons() == ["the baseline has 7 of 12 months"]

    def test_with_gaps_in_the_baseline(self, given: Given) -> None:
        months_lost = given.quantities["period_start"].dt.month().is_in([2, 4]) & (given.quantities["period_start"] < date(2025, 1, 1))
        given.quantities = given.quantities.filter(~months_lost)
        assert given.reasons() == ["the baseline has 10 usable months of 12 (nothing came from the meter)"]

    def test_one_lost_month_is_no_obstacle(self, given: Given) -> None:
        given.quantities = given.quantities.filter(pl.col("period_start").dt.truncate("1mo") != date(2024, 2, 1))
        row = given.effect()
        assert (row["decision"], row["baseline_periods"]) == ("verified", 11)

    def test_a_model_that_is_refused_is_kept_with_its_reason(self, given: Given) -> None:
        noise = np.array([1, -1, -1, 1, 1, -1, 1, -1, -1, 1, -1, 1]) * 90
        given.quantities = metered("P1", "electricity", months(date(2024, 1, 1), [*(np.array(MWH) + noise), *REPORTED_MWH]))
        (reason,) = given.reasons()
        assert reason.startswith("rule set IPMVP-practice does not accept the model: abs_t_min is ")
        row = given.effect()
        assert (row["model_accepted"], row["state"]) == (False, "estimated")
        assert row["meter_saving_quantity"] is not None
        assert row["saving_lower_90"] < row["meter_saving_quantity"] < row["saving_upper_90"]
        refused = given.outcome().frames["measure_model_acceptance"].filter(~pl.col("accepted"))
        assert "IPMVP-practice" in refused["rule_set"].to_list()
        assert refused["failed"].list.len().min() > 0

    def test_production_that_the_baseline_never_saw(self, given: Given) -> None:
        given.production = produced("WARE", months(date(2024, 1, 1), [*PRODUCTION, *[2000.0 + at for at in range(6)]]))
        (reason,) = given.reasons()
        assert reason == "WARE averages 2002.5 in the reporting period; the baseline saw 760 to 1040, mean 912.5: too far off for the model"
        assert given.effect()["applicability"] == "outside"

    def test_just_beyond_the_range_is_near_enough(self, given: Given) -> None:
        given.production = produced("WARE", months(date(2024, 1, 1), [*PRODUCTION, *[1060.0 + at for at in range(6)]]))
        row = given.effect()
        assert (row["decision"], row["applicability"]) == ("verified", "sigma")

    def test_a_driver_that_never_changed(self, given: Given) -> None:
        given.production = produced("WARE", months(date(2024, 1, 1), [900.0] * 18))
        assert given.reasons() == ["driver WARE was 900 in every period of the baseline: nothing can be told of its influence"]

    def test_a_saving_that_drowns_in_its_uncertainty(self, given: Given) -> None:
        used = [144.4717 + 0.323593 * production - 1 for production in REPORTED_PRODUCTION]
        given.quantities = metered("P1", "electricity", months(date(2024, 1, 1), [*MWH, *used]))
        (reason,) = given.reasons()
        assert reason.startswith("at 90% confidence the saving of 5.998")
        assert reason.endswith("cannot be told from nothing")

    def test_a_saving_that_is_smaller_than_plants_drift(self, given: Given) -> None:
        """2 % of a meter that the model follows almost exactly: surely not nothing, and not surely the measure."""
        modelled = [144.4717 + 0.323593 * production for production in [*PRODUCTION, *REPORTED_PRODUCTION]]
        scatter = [0.3, -0.3, -0.3, 0.3, 0.3, -0.3, 0.3, -0.3, -0.3, 0.3, -0.3, 0.3, *[0] * 6]
        used = [value + off for value, off in zip(modelled, scatter, strict=True)]
        given.quantities = metered("P1", "electricity", months(date(2024, 1, 1), [*used[:12], *[0.98 * value for value in used[12:]]]))
        (reason,) = given.reasons()
        assert reason == "the saving is 2.0% of the meter's adjusted baseline; below 3% a regression does not tell it from drift"
        assert given.effect()["saving_lower_90"] > 0


class TestNegative:
    def test_more_than_before_is_a_result(self, given: Given) -> None:
        given.quantities = metered("P1", "electricity", months(date(2024, 1, 1), [*MWH, *[used + 60 for used in REPORTED_MWH]]))
        row = given.effect()
        assert row["decision"] == "negative"
        assert row["saving_quantity"] == pytest.approx(162.488 - 360, abs=5e-4)
        assert row["saving_upper_90"] < 0


class TestCoverage:
    def test_a_month_that_is_nearly_whole_counts_for_a_whole_one(self, given: Given) -> None:
        thinned = given.quantities.filter(pl.col("period_start") != date(2025, 2, 10))
        given.quantities = thinned
        period = given.outcome().frames["measure_effect_period"].filter(pl.col("period_start") == date(2025, 2, 1)).row(0, named=True)
        assert period["coverage_share"] == pytest.approx(27 / 28)
        assert period["quantity"] == pytest.approx(404)
        assert given.effect()["saving_quantity"] == pytest.approx(162.488, abs=5e-4)

    def test_a_month_that_is_not_is_left_out_and_says_so(self, given: Given) -> None:
        given.quantities = given.quantities.filter(
            (pl.col("period_start") < date(2025, 2, 1)) | (pl.col("period_start") >= date(2025, 2, 6))
        )
        period = given.outcome().frames["measure_effect_period"].filter(pl.col("period_start") == date(2025, 2, 1)).row(0, named=True)
        assert period["excluded_because"] == "the meter covers 82% of it"
        assert given.effect()["reporting_periods"] == 5

    def test_bills_are_apportioned_by_their_days(self, given: Given) -> None:
        """One bill over two months of equal use, from the 16th to the 15th."""
        bill = pl.DataFrame(
            [{"point_id": "P1", "parameter_code": "electricity", "period_start": date(2024, 4, 1), "period_end": date(2024, 6, 1), "quantity": 61.0 * 15,
              "measured_quantity": 61.0 * 15, "hours_covered": 61 * 24.0, "hours_expected": 61 * 24.0, "unit": "MWh", "basis": "long"}],
            schema=QUANTITIES,
        )  # fmt: skip
        others = given.quantities.filter(~pl.col("period_start").dt.truncate("1mo").is_in([date(2024, 4, 1), date(2024, 5, 1)]))
        given.quantities = pl.concat([others, bill])
        frame = given.outcome().frames["measure_effect_period"]
        split = frame.filter(pl.col("period_start").is_in([date(2024, 4, 1), date(2024, 5, 1)]))
        assert split["quantity"].to_list() == pytest.approx([450, 465])


class TestEvents:
    def test_more_use_for_another_reason_is_added_to_the_baseline(self, given: Given) -> None:
        given.events = [EVENT]
        row = given.effect()
        assert row["adjustment_quantity"] == pytest.approx(20)
        assert row["saving_quantity"] == pytest.approx(162.488 + 20, abs=5e-4)
        (event,) = given.outcome().frames["measure_adjustment"].to_dicts()
        assert (event["quantity_per_day"], event["baseline_days"], event["reporting_days"], event["evidence_sha256"]) == (2, 0, 10, "abc")

    def test_in_another_unit(self, given: Given) -> None:
        given.events = [EVENT | {"quantity": 2000.0, "unit": "kWh"}]
        assert given.effect()["adjustment_quantity"] == pytest.approx(20)

    def test_what_lasts_lasts_until_today(self, given: Given) -> None:
        given.events = [EVENT | {"occurred_on": date(2025, 6, 1), "ended_on": None}]
        assert given.effect()["adjustment_quantity"] == pytest.approx(60)

    def test_in_the_baseline_it_is_taken_off_the_meter(self, given: Given) -> None:
        """20 MWh of a month that were nobody's routine: the model is that of a meter without them."""
        extra = {month: used + (20 if month == date(2024, 3, 1) else 0) for month, used in EXAMPLE.items()}
        given.quantities = metered("P1", "electricity", extra)
        assert given.effect()["saving_quantity"] != pytest.approx(162.488, abs=0.1)
        given.events = [EVENT | {"occurred_on": date(2024, 3, 5), "ended_on": date(2024, 3, 15)}]
        assert given.effect()["saving_quantity"] == pytest.approx(162.488, abs=5e-4)

    def test_without_an_amount_its_months_are_left_out(self, given: Given) -> None:
        given.events = [EVENT | {"quantity": None, "ended_on": date(2025, 4, 2)}]
        row = given.effect()
        assert (row["reporting_periods"], row["adjustment_quantity"]) == (4, 0)
        (event,) = given.outcome().frames["measure_adjustment"].to_dicts()
        assert event["not_adjusted_because"] == "nobody said what it amounts to"
        frame = given.outcome().frames["measure_effect_period"].filter(pl.col("excluded_because").is_not_null())
        assert set(frame["excluded_because"]) == {"event V1: nobody said what it amounts to"}

    def test_without_evidence_it_counts_and_warns(self, given: Given) -> None:
        given.events = [EVENT | {"evidence_sha256": None}]
        outcome = given.outcome()
        assert outcome.warnings == ("measure M1 at P1: non-routine event V1 has no evidence",)

    @pytest.mark.parametrize(
        "about",
        [
            {"related_id": "M2"},
            {"parameter_code": "fresh_water"},
            {"event_kind": "incident"},
            {"subject_kind": "point", "subject_id": "P9"},
            {"occurred_on": date(2023, 3, 1), "ended_on": date(2023, 4, 1)},
        ],
    )
    def test_of_something_else_changes_nothing(self, given: Given, about: dict) -> None:
        given.events = [EVENT | about]
        assert given.effect()["saving_quantity"] == pytest.approx(162.488, abs=5e-4)
        assert given.outcome().frames["measure_adjustment"].is_empty()

    def test_of_the_meter_itself_counts_for_every_measure(self, given: Given) -> None:
        given.events = [EVENT | {"related_id": None, "subject_kind": "point", "subject_id": "P1"}]
        assert given.effect()["adjustment_quantity"] == pytest.approx(20)


class TestOverlap:
    """Two measures on one meter, three months apart."""

    @pytest.fixture
    def two(self, given: Given) -> Given:
        first = MEASURE | {"completed_on": date(2025, 1, 1)}
        second = MEASURE | {"measure_id": "M2", "completed_on": date(2025, 2, 28), "started_on": date(2025, 2, 1)}
        given.measures = [first, second]
        given.meters = [METER, METER | {"measure_id": "M2"}]
        return given

    def test_that_nobody_split_is_told_of_the_meter_alone(self, two: Given) -> None:
        one, other = two.effects()
        assert (one["decision"], one["saving_quantity"], one["split_rule"]) == ("not_verifiable", None, "not_split")
        assert one["not_verifiable_because"] == ["M1, M2 act on the meter together, and nobody said what share is that of M1, M2"]
        assert one["overlapping_measures"] == ["M2"]
        assert other["overlapping_measures"] == ["M1"]
        # reporting begins when both are there
        assert one["reporting_start"] == other["reporting_start"] == date(2025, 3, 1)
        assert one["meter_saving_quantity"] == other["meter_saving_quantity"] == pytest.approx(162.488 - 25.712 - 25.233, abs=0.01)
        assert one["saving_lower_90"] is None

    def test_is_split_by_the_registered_shares(self, two: Given) -> None:
        two.meters = [METER | {"share": 0.7}, METER | {"measure_id": "M2", "share": 0.3}]
        one, other = two.effects()
        assert (one["decision"], one["split_rule"], other["decision"]) == ("verified", "register_share", "verified")
        assert one["saving_quantity"] == pytest.approx(0.7 * one["meter_saving_quantity"])
        assert other["saving_quantity"] == pytest.approx(0.3 * other["meter_saving_quantity"])
        assert other["saving_upper_90"] / one["saving_upper_90"] == pytest.approx(3 / 7)

    def test_shares_beyond_the_whole_split_nothing(self, two: Given) -> None:
        two.meters = [METER | {"share": 0.7}, METER | {"measure_id": "M2", "share": 0.5}]
        assert [row["not_verifiable_because"] for row in two.effects()] == [
            ["M1, M2 act on the meter together, and their registered shares add to 1.2"]
        ] * 2

    def test_a_year_apart_they_are_told_apart(self, given: Given) -> None:
        """The second one's baseline is the year in which the first one already worked."""
        rng = np.random.default_rng(3)
        output = rng.uniform(700, 1100, 36)
        used = 150 + 0.3 * output + rng.normal(0, 1.5, 36)
        used[12:] -= 30
        used[24:] -= 50
        given.measures = [
            MEASURE | {"completed_on": date(2024, 1, 1)},
            MEASURE | {"measure_id": "M2", "completed_on": date(2025, 1, 1)},
        ]
        given.meters = [METER, METER | {"measure_id": "M2"}]
        given.quantities = metered("P1", "electricity", months(date(2023, 1, 1), list(used)))
        given.production = produced("WARE", months(date(2023, 1, 1), list(output)))
        given.today = date(2026, 1, 10)
        one, other = given.effects()
        assert (one["split_rule"], other["split_rule"]) == ("alone", "alone")
        assert (one["reporting_start"], one["reporting_end"]) == (date(2024, 1, 1), date(2025, 1, 1))
        assert (other["baseline_start"], other["baseline_end"]) == (date(2024, 1, 1), date(2025, 1, 1))
        assert one["saving_quantity"] == pytest.approx(12 * 30, rel=0.05)
        assert other["saving_quantity"] == pytest.approx(12 * 50, rel=0.05)

    def test_a_meter_above_another_is_not_added_to_it(self, given: Given) -> None:
        given.meters = [METER, METER | {"point_id": "P0"}]
        given.points = [POINT, POINT | {"point_id": "P0"}]
        given.meter_links = [
            {"point_id": "P1", "parent_point_id": "P0", "role": "sub", "valid_from": date(2020, 1, 1)},
            {"point_id": "P0", "parent_point_id": "-", "role": "billing", "valid_from": date(2020, 1, 1)},
        ]
        given.quantities = pl.concat(
            [given.quantities, metered("P0", "electricity", {month: used + 100 for month, used in EXAMPLE.items()})]
        )
        whole, part = given.effects()
        assert (whole["point_id"], whole["counts_in_total"], part["counts_in_total"]) == ("P0", False, True)
        shares = given.outcome().frames["measure_class_share"].filter((pl.col("basis") == "verified") & (pl.col("subject_kind") == "park"))
        assert shares["annual_saving"].to_list() == pytest.approx([2 * 162.488], abs=1e-3)


class TestWindows:
    def test_the_registered_baseline_goes_before_the_year_before(self, given: Given) -> None:
        extended = {date(2023, 12, 1): 9000.0} | EXAMPLE
        given.quantities = metered("P1", "electricity", extended)
        given.production = produced("WARE", {date(2023, 12, 1): 10.0} | WARE)
        assert given.effect()["saving_quantity"] == pytest.approx(162.488, abs=5e-4)
        given.measures = [MEASURE | {"baseline_start": date(2023, 12, 1), "baseline_end": date(2024, 12, 1)}]
        row = given.effect()
        assert (row["baseline_start"], row["baseline_end"], row["baseline_periods"]) == (date(2023, 12, 1), date(2024, 12, 1), 12)
        assert row["decision"] == "not_verifiable"

    def test_works_are_in_neither_period(self, given: Given) -> None:
        given.measures = [MEASURE | {"started_on": date(2025, 1, 1), "completed_on": date(2025, 2, 10)}]
        row = given.effect()
        assert (row["baseline_end"], row["reporting_start"], row["reporting_periods"]) == (date(2025, 1, 1), date(2025, 3, 1), 4)

    def test_works_for_the_next_measure_end_the_reporting_period(self, given: Given) -> None:
        given.measures = [
            MEASURE,
            MEASURE | {"measure_id": "M2", "status": "in_progress", "started_on": date(2025, 5, 20), "completed_on": None},
        ]
        given.meters = [METER, METER | {"measure_id": "M2"}]
        (row,) = given.effects()
        assert (row["measure_id"], row["reporting_end"], row["reporting_periods"]) == ("M1", date(2025, 5, 1), 4)
        given.measures[1]["status"] = "approved"
        assert given.effect()["reporting_periods"] == 6

    def test_after_a_year_the_result_stands_and_later_months_are_shown(self, given: Given) -> None:
        more = months(date(2025, 7, 1), [420.0] * 12)
        given.quantities = metered("P1", "electricity", EXAMPLE | more)
        given.production = produced("WARE", WARE | dict.fromkeys(more, 950.0))
        given.today = date(2026, 7, 2)
        row = given.effect()
        assert (row["reporting_periods"], row["reporting_end"]) == (12, date(2026, 1, 1))
        later = given.outcome().frames["measure_effect_period"].filter(pl.col("role") == "later")
        assert later.height == 6
        assert later["saving_quantity"].to_list() == pytest.approx([144.4717 + 0.323593 * 950 - 420] * 6, abs=1e-3)


class TestByDay:
    """A meter that is young, with a production meter beside it."""

    @pytest.fixture
    def young(self, given: Given) -> Given:
        rng = np.random.default_rng(11)
        output = rng.uniform(20, 40, 160)
        used = 5 + 0.3 * output + rng.normal(0, 0.2, 160)
        used[120:] -= 1.5
        given.measures = [MEASURE | {"completed_on": date(2025, 5, 1)}]
        given.meters = [METER | {"driver_code": "production_output"}]
        given.points = [POINT, POINT | {"point_id": "P2", "kind": "production"}]
        first = date(2025, 1, 1)
        given.quantities = pl.concat(
            [daily("P1", "electricity", first, list(used)), daily("P2", "production_output", first, list(output), unit="t")]
        )
        given.today = date(2025, 6, 10)
        return given

    def test_days_speak_where_there_are_too_few_months(self, young: Given) -> None:
        row = young.effect()
        assert (row["resolution"], row["baseline_periods"], row["reporting_periods"]) == ("day", 120, 40)
        assert row["decision"] == "verified"
        assert row["saving_quantity"] == pytest.approx(60, rel=0.1)
        assert row["annual_saving_quantity"] == pytest.approx(row["saving_quantity"] / 40 * 365)

    def test_not_where_the_driver_is_only_known_by_the_month(self, young: Given) -> None:
        young.meters = [METER]
        row = young.effect()
        assert (row["resolution"], row["decision"]) == ("month", "not_verifiable")
        assert row["not_verifiable_because"][0] == "the baseline has 4 of 12 months"

    def test_degree_days(self, young: Given) -> None:
        rng = np.random.default_rng(4)
        air = rng.uniform(-5, 12, 160)
        used = 3 + 0.5 * (18 - air) + rng.normal(0, 0.2, 160)
        used[120:] -= 1.0
        young.meters = [METER | {"driver_code": "hdd:18"}]
        young.points = [POINT, POINT | {"point_id": "AIR", "enterprise_id": None, "kind": "ambient"}]
        first = date(2025, 1, 1)
        young.quantities = pl.concat(
            [daily("P1", "electricity", first, list(used)), daily("AIR", "a01001", first, list(air), unit="degC", is_mean=True)]
        )
        row = young.effect()
        assert row["saving_quantity"] == pytest.approx(40, rel=0.1)
        (term,) = young.outcome().frames["measure_model_term"].filter(pl.col("term") == "hdd:18").to_dicts()
        assert term["coefficient"] == pytest.approx(0.5, rel=0.05)
        assert term["driver_source"] == "heating degree days below 18 degC"

    def test_degree_days_without_a_thermometer(self, young: Given) -> None:
        young.meters = [METER | {"driver_code": "cdd:26"}]
        assert young.reasons()[0] == "driver cdd:26: no air temperature (a01001) is measured at E1 or by the park"


class TestEveryKindOfMeter:
    @pytest.mark.parametrize(("parameter", "unit"), [("fresh_water", "m3"), ("steam_low_pressure", "t"), ("natural_gas", "m3")])
    def test_water_steam_and_gas(self, given: Given, parameter: str, unit: str) -> None:
        given.meters = [METER | {"parameter_code": parameter}]
        given.quantities = metered("P1", parameter, EXAMPLE, unit=unit)
        row = given.effect()
        assert (row["saving_quantity"], row["unit"]) == (pytest.approx(162.488, abs=5e-4), unit)

    def test_a_pollutant_before_treatment(self, given: Given) -> None:
        given.meters = [METER | {"parameter_code": "w01018"}]
        given.quantities = metered("P1", "w01018", EXAMPLE, unit="kg", basis="concentration_flow")
        row = given.effect()
        assert (row["decision"], row["unit"], row["meter_source"]) == ("verified", "kg", "readings (concentration times flow)")

    def test_a_pollutant_at_its_outlet_that_two_enterprises_share(self, given: Given) -> None:
        given.meters = [METER | {"parameter_code": "w01018"}]
        given.points = [POINT | {"outlet_id": "O1", "kind": "wastewater"}]
        given.quantities = pl.DataFrame(schema=QUANTITIES)
        given.emission = pl.concat([discharged("O1", "w01018", EXAMPLE, 0.6), discharged("O1", "w01018", EXAMPLE, 0.4)])
        row = given.effect()
        assert row["saving_quantity"] == pytest.approx(162.488, abs=5e-4)
        assert row["meter_source"] == "emission accounts of outlet O1"

    def test_two_drivers(self, given: Given) -> None:
        rng = np.random.default_rng(8)
        one, other = rng.uniform(500, 900, 24), rng.uniform(10, 30, 24)
        used = 100 + 0.2 * one + 6 * other + rng.normal(0, 1, 24)
        used[12:] -= 40
        given.measures = [MEASURE | {"completed_on": date(2025, 1, 1)}]
        given.meters = [METER | {"driver_code": "WARE steam_low_pressure"}]
        given.quantities = metered("P1", "electricity", months(date(2024, 1, 1), list(used)))
        given.production = produced("WARE", months(date(2024, 1, 1), list(one)))
        given.consumption = consumed("steam_low_pressure", months(date(2024, 1, 1), list(other)))
        given.today = date(2026, 1, 5)
        row = given.effect()
        assert row["saving_quantity"] == pytest.approx(480, rel=0.05)
        assert row["intensity_baseline"] is None
        terms = given.outcome().frames["measure_model_term"]
        assert terms["term"].to_list() == ["constant", "WARE", "steam_low_pressure"]


class TestLineage:
    def test_output_follows_the_product_through_a_merger(self, given: Given) -> None:
        """E0 was merged into E1 in the middle of the baseline; the measure is E1's."""
        merger = date(2024, 7, 1)
        before = {month: made for month, made in WARE.items() if month < merger}
        after = {month: made for month, made in WARE.items() if month >= merger}
        given.production = pl.concat([produced("WARE", before, "E0"), produced("WARE", after, "E1")])
        assert given.effect()["saving_quantity"] == pytest.approx(162.488, abs=5e-4)

    def test_a_meter_that_was_replaced_keeps_its_history(self, given: Given) -> None:
        swap = date(2024, 9, 1)
        old = given.quantities.filter(pl.col("period_start") < swap).with_columns(point_id=pl.lit("P0"))
        given.quantities = pl.concat([old, given.quantities.filter(pl.col("period_start") >= swap)])
        assert "the baseline has 4 of 12 months" in given.reasons()
        given.relations = [{"entity_kind": "point", "from_id": "P0", "to_id": "P1", "relation": "renamed", "effective_date": swap}]
        row = given.effect()
        assert row["saving_quantity"] == pytest.approx(162.488, abs=5e-4)
        assert row["meter_source"] == "readings (day); P0 before 2024-09-01"

    def test_a_consumed_driver_adds_what_merged_in(self, given: Given) -> None:
        merger = date(2024, 7, 1)
        given.meters = [METER | {"driver_code": "clinker"}]
        own = {month: made - (300 if month < merger else 0) for month, made in WARE.items()}
        given.consumption = pl.concat(
            [consumed("clinker", own), consumed("clinker", {month: 300.0 for month in WARE if month < merger}, "E0")]
        )
        assert given.effect()["saving_quantity"] != pytest.approx(162.488, abs=0.1)
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E0", "to_id": "E1", "relation": "merged_into", "effective_date": merger}
        ]
        assert given.effect()["saving_quantity"] == pytest.approx(162.488, abs=5e-4)

    def test_a_consumed_driver_does_not_reach_back_before_a_split(self, given: Given) -> None:
        given.meters = [METER | {"driver_code": "clinker"}]
        given.consumption = consumed("clinker", WARE)
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E0", "to_id": "E1", "relation": "split_from", "effective_date": date(2024, 7, 1)}
        ]
        assert given.reasons() == ["the baseline has 6 usable months of 12 (clinker is not known)"]


class TestRules:
    def test_a_park_may_have_another_set_decide(self, given: Given) -> None:
        shipped = mv_rules(given.standards)
        own = shipped.filter(pl.col("rule_set") == "IPMVP-practice").with_columns(
            rule_set=pl.lit("park"), rule_id=pl.concat_str(pl.lit("park:"), "statistic"), origin=pl.lit("park")
        )
        strict = own.with_columns(value=pl.when(pl.col("statistic") == "r2").then(0.95).otherwise("value"))
        given.rules = pl.concat([shipped, strict])
        assert given.reasons() == ["rule set park does not accept the model: r2 is 0.9289, demanded is > 0.95"]

    def test_a_setting_that_is_lacking_is_named(self, given: Given) -> None:
        given.rules = mv_rules(given.standards).filter(pl.col("statistic") != "coverage")
        with pytest.raises(ValueError, match="on 2025-07-15 rule set `measurement` lacks coverage"):
            given.outcome()

    def test_no_deciding_set_is_refused(self, given: Given) -> None:
        given.rules = mv_rules(given.standards).with_columns(decides=pl.lit(False))
        with pytest.raises(ValueError, match="no rule set for regressions has decides = true"):
            given.outcome()


class TestClassShares:
    def test_of_verified_savings(self, given: Given) -> None:
        """The same meter series three times, and once in reverse: a class that used more has no share to give."""
        given.measures = [
            MEASURE,
            MEASURE | {"measure_id": "M2", "measure_class": "end_of_pipe"},
            MEASURE | {"measure_id": "M3", "enterprise_id": "E2"},
        ]
        given.meters = [METER | {"measure_id": name, "point_id": f"P{at}"} for at, name in enumerate(("M1", "M2", "M3"))]
        given.quantities = pl.concat([metered(f"P{at}", "electricity", EXAMPLE) for at in range(3)])
        shares = given.outcome().frames["measure_class_share"].filter(pl.col("basis") == "verified")
        park = {row["measure_class"]: row for row in shares.filter(pl.col("subject_id") == "P").to_dicts()}
        assert park["source_reduction"]["share"] == pytest.approx(2 / 3)
        assert park["end_of_pipe"]["share"] == pytest.approx(1 / 3)
        assert (park["source_reduction"]["measures"], park["source_reduction"]["unit"]) == (2, "MWh")
        assert shares.filter(pl.col("subject_id") == "E2")["share"].to_list() == [1.0]

    def test_a_class_that_used_more_leaves_no_shares(self, given: Given) -> None:
        worse = months(date(2024, 1, 1), [*MWH, *[used + 60 for used in REPORTED_MWH]])
        given.measures = [MEASURE, MEASURE | {"measure_id": "M2", "measure_class": "end_of_pipe"}]
        given.meters = [METER, METER | {"measure_id": "M2", "point_id": "P2"}]
        given.quantities = pl.concat([given.quantities, metered("P2", "electricity", worse)])
        shares = given.outcome().frames["measure_class_share"].filter((pl.col("basis") == "verified") & (pl.col("subject_id") == "P"))
        assert shares["share"].to_list() == [None, None]
        assert sorted(shares["annual_saving"].sign().to_list()) == [-1, 1]

    def test_promises_and_money(self, given: Given) -> None:
        given.measures = [
            MEASURE | {"annual_saving_cny": 300.0},
            MEASURE | {"measure_id": "M2", "measure_class": "recycling", "promised_quantity": 100_000.0, "unit": "kWh", "annual_saving_cny": 100.0},
            MEASURE | {"measure_id": "M3", "measure_class": "recycling", "promised_quantity": 7.0, "unit": "t"},
            MEASURE | {"measure_id": "M4", "status": "proposed", "annual_saving_cny": 1e9},
        ]  # fmt: skip
        given.meters = []
        frame = given.outcome().frames["measure_class_share"].filter(pl.col("subject_kind") == "park")
        promised = {row["measure_class"]: row for row in frame.filter(pl.col("basis") == "promised").to_dicts()}
        assert (promised["source_reduction"]["annual_saving"], promised["source_reduction"]["unit"]) == (400_000, "kWh")
        assert promised["recycling"]["annual_saving"] == 100_000
        assert (promised["recycling"]["share"], promised["recycling"]["left_out"]) == (pytest.approx(0.2), 1)
        money = {row["measure_class"]: row["share"] for row in frame.filter(pl.col("basis") == "money").to_dicts()}
        assert money == {"source_reduction": 0.75, "recycling": 0.25}


def test_the_figure_draws(given: Given) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    EFFECT.plot(axes, given.outcome().frames)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["M1 electricity"]
