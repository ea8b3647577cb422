"""Technologies for findings and indicators, and by-products for exchange: what fits, what does not, and in which order."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.assessment.technology_match import MATCHING
from pipelines.contracts.records import CAUSE_CODES
from pipelines.contracts.standards import Standards
from tests.assessment.measures import context, read, rows, technologies

SINCE = date(2020, 1, 1)
FINDING = {
    "finding_id": "F1", "enterprise_id": "E1", "subject_kind": "enterprise", "subject_id": "E1", "found_on": date(2025, 3, 1), "cause_code": "technology",
    "item_code": "fresh_water", "quantity": 1000.0, "unit": "m3", "status": "open", "description": "rinses run all night",
}  # fmt: skip
INDICATOR = {
    "enterprise_id": "E1", "period_type": "rolling_12m", "index_system_id": "ELECTROPLATING", "indicator_id": "rinse_water",
    "metric_code": "fresh_water_litre_per_output", "value": 20.0, "direction": "lower_is_better", "next_grade": "II", "gap_to_next_grade": 8.0,
}  # fmt: skip
_INDICATORS = {
    "enterprise_id": pl.String, "period_type": pl.String, "index_system_id": pl.String, "indicator_id": pl.String, "metric_code": pl.String, "value": pl.Float64,
    "direction": pl.String, "next_grade": pl.String, "gap_to_next_grade": pl.Float64,
}  # fmt: skip


@dataclass
class Given:
    """A plating works with one finding about its water."""

    standards: Standards
    findings: list[dict] = field(default_factory=lambda: [FINDING])
    indicators: list[dict] = field(default_factory=list)
    measures: list[dict] = field(default_factory=list)
    offers: list[dict] = field(default_factory=list)
    sector: str | None = "C3360"
    processes: dict[str, str | None] = field(default_factory=lambda: {"P1": "electroplating", "P2": "utilities"})
    library: pl.DataFrame | None = None

    def run(self) -> dict[str, pl.DataFrame]:
        dates = [pl.col("valid_from", "valid_to").str.to_date()]
        frames = read(
            MATCHING,
            technologies=technologies(self.standards) if self.library is None else self.library,
            findings=rows("finding", *self.findings),
            measures=rows("measure", *self.measures),
            enterprises=rows("enterprise", {"enterprise_id": "E1", "name": "e", "sector_code": self.sector, "valid_from": SINCE}),
            processes=rows(
                "process",
                *(
                    {"process_id": name, "enterprise_id": "E1", "name": "p", "process_code": code, "valid_from": SINCE}
                    for name, code in self.processes.items()
                ),
            ),
            offers=rows("material_offer", *self.offers),
            indicators=pl.DataFrame(self.indicators, schema=_INDICATORS),
            metrics=self.standards.seed("metrics").with_columns(dates),
            parameters=self.standards.seed("parameters"),
            groups=self.standards.seed("item_groups").with_columns(dates),
        )
        self.outcome = MATCHING.run(frames, context(self.standards))
        return self.outcome.frames

    def matches(self) -> list[dict[str, Any]]:
        return self.run()["technology_match"].sort("need_id", "rank").to_dicts()

    def names(self) -> list[str]:
        return [row["technology_id"] for row in self.matches()]


@pytest.fixture
def given(shipped_standards: Standards) -> Given:
    return Given(shipped_standards)


class TestFindings:
    def test_what_is_made_for_the_process_comes_first(self, given: Given) -> None:
        counterflow, *others = given.matches()
        assert (counterflow["technology_id"], counterflow["rank"]) == ("counterflow_rinsing", 1)
        assert (counterflow["is_for_process"], counterflow["is_for_sector"], counterflow["matched_items"]) == (True, True, ["fresh_water"])
        assert [(row["technology_id"], row["is_for_process"]) for row in others] == [
            ("membrane_water_reuse", False),
            ("condensate_return", False),
        ]
        assert (counterflow["potential_low"], counterflow["potential_high"], counterflow["unit"]) == (500, 900, "m3")
        assert counterflow["verification_status"] == "unverified"

    def test_the_cause_must_be_one_that_it_answers(self, given: Given) -> None:
        given.findings = [FINDING | {"cause_code": "staff"}]
        assert given.names() == []
        given.findings = [FINDING | {"cause_code": "waste"}]
        assert given.names() == ["membrane_water_reuse", "condensate_return"]

    def test_another_sector_and_process_has_other_technologies(self, given: Given) -> None:
        given.sector, given.processes = "C1713", {"P1": "dyeing"}
        assert given.names()[0] == "low_liquor_dyeing"
        assert "counterflow_rinsing" not in given.names()

    def test_a_finding_about_a_process_is_of_that_process(self, given: Given) -> None:
        given.findings = [FINDING | {"subject_kind": "process", "subject_id": "P2"}]
        assert "counterflow_rinsing" not in given.names()
        given.findings = [FINDING | {"subject_kind": "process", "subject_id": "P1"}]
        assert "counterflow_rinsing" in given.names()

    def test_without_an_item_only_the_very_process_counts(self, given: Given) -> None:
        given.findings = [FINDING | {"item_code": None, "quantity": None, "unit": None}]
        found = given.matches()
        assert found
        assert all(row["is_for_process"] for row in found)
        assert {row["potential_high"] for row in found} == {None}
        assert {row["state"] for row in found} == {"not_applicable"}

    @pytest.mark.parametrize(
        ("status", "asks"), [("open", True), ("in_hand", True), ("closed", False), ("explained", False), ("rejected", False)]
    )
    def test_only_what_is_open_asks(self, given: Given, status: str, asks: bool) -> None:
        given.findings = [FINDING | {"status": status}]
        assert bool(given.names()) is asks

    def test_options_that_use_it_already_are_named(self, given: Given) -> None:
        measure = {
            "enterprise_id": "E1",
            "name": "m",
            "measure_class": "source_reduction",
            "cost_class": "no_low",
            "status": "proposed",
            "proposed_on": SINCE,
        }
        given.measures = [measure | {"measure_id": "M7", "technology_id": "counterflow_rinsing"}]
        first, second, *_ = given.matches()
        assert (first["measures"], second["measures"]) == (["M7"], [])

    def test_an_enterprise_of_unknown_sector_gets_what_fits_any(self, given: Given) -> None:
        given.sector = None
        found = given.matches()
        assert found
        assert not any(row["is_for_sector"] for row in found)

    def test_a_park_s_own_row_goes_before_the_shipped_one(self, given: Given) -> None:
        shipped = technologies(given.standards)
        own = shipped.filter(pl.col("technology_id") == "counterflow_rinsing").with_columns(
            saving_share_high=pl.lit(0.6), origin=pl.lit("park")
        )
        given.library = pl.concat([shipped, own])
        (row,) = [row for row in given.matches() if row["technology_id"] == "counterflow_rinsing"]
        assert row["potential_high"] == 600


class TestIndicators:
    @pytest.fixture
    def graded(self, given: Given) -> Given:
        given.findings, given.indicators = [], [INDICATOR]
        return given

    def test_what_is_short_of_a_grade_asks_for_its_items(self, graded: Given) -> None:
        first = graded.matches()[0]
        assert (first["need_kind"], first["need_id"], first["technology_id"]) == (
            "indicator",
            "ELECTROPLATING:rinse_water",
            "counterflow_rinsing",
        )
        assert first["matched_items"] == ["fresh_water", "surface_water", "tap_water"]
        assert (first["gap_share"], first["may_close_gap"]) == (pytest.approx(0.4), True)

    def test_a_gap_that_is_too_wide(self, graded: Given) -> None:
        graded.indicators = [INDICATOR | {"gap_to_next_grade": 19.0}]
        assert {row["may_close_gap"] for row in graded.matches()} == {False}

    def test_higher_is_better_has_a_match_and_no_gap_to_compare(self, graded: Given) -> None:
        graded.indicators = [
            INDICATOR | {"metric_code": "nickel_utilisation", "direction": "higher_is_better", "value": 82.0, "gap_to_next_grade": 3.0}
        ]
        (row,) = graded.matches()
        assert (row["technology_id"], row["gap_share"], row["may_close_gap"]) == ("nickel_recovery", None, None)

    def test_energy_as_a_whole_is_every_energy_item(self, graded: Given) -> None:
        graded.indicators = [INDICATOR | {"metric_code": "energy_per_output"}]
        assert "speed_control" in graded.names()
        assert "counterflow_rinsing" not in graded.names()

    def test_wastewater_is_the_flow_of_outlets(self, graded: Given) -> None:
        graded.indicators = [INDICATOR | {"metric_code": "wastewater_per_output"}]
        assert graded.matches()[0]["matched_items"] == ["wastewater"]

    def test_saving_water_treats_no_more_of_it(self, graded: Given) -> None:
        graded.indicators = [INDICATOR | {"metric_code": "wastewater_treatment_rate", "direction": "higher_is_better"}]
        assert graded.names() == []

    @pytest.mark.parametrize("change", [{"next_grade": None}, {"metric_code": None}, {"period_type": "calendar_year"}])
    def test_what_asks_for_nothing(self, graded: Given, change: dict) -> None:
        graded.indicators = [INDICATOR | change]
        assert graded.names() == []


def test_the_library_is_consistent(shipped_standards: Standards) -> None:
    """Items are parameters, causes are of the eight, shares are shares in order."""
    library = technologies(shipped_standards)
    parameters = set(shipped_standards.seed("parameters")["parameter_code"])
    assert library.height >= 12
    assert library["technology_id"].is_unique().all()
    for row in library.iter_rows(named=True):
        assert set(row["item_codes"].split()) <= parameters, row["technology_id"]
        assert set(row["cause_codes"].split()) <= set(CAUSE_CODES), row["technology_id"]
        assert 0 < row["saving_share_low"] <= row["saving_share_high"] <= 1, row["technology_id"]
        assert (row["payback_years_low"] is None) == (row["payback_years_high"] is None)
        assert row["measure_class"] in ("source_reduction", "recycling", "end_of_pipe")
        assert row["saving_basis"] in ("equipment", "process", "outlet", "enterprise")
    assert set(library["verification_status"]) <= {"secondary_source", "recalled", "unverified"}


# -- by-products -----------------------------------------------------------------------------------------------------------------------

OFFER = {"enterprise_id": "E1", "item_code": "steel_slag", "direction": "offer", "quantity": 900.0, "unit": "t", "valid_from": SINCE}
NEED = {"enterprise_id": "E2", "item_code": "steel_slag", "direction": "need", "quantity": 0.12, "unit": "10^4 t", "valid_from": SINCE}


class TestExchange:
    def exchanged(self, given: Given, *offers: dict) -> list[dict[str, Any]]:
        given.offers = list(offers)
        return given.run()["material_match"].to_dicts()

    def test_an_offer_meets_a_need_in_its_own_unit(self, given: Given) -> None:
        (row,) = self.exchanged(given, OFFER, NEED)
        assert (row["offering_enterprise_id"], row["needing_enterprise_id"], row["item_code"]) == ("E1", "E2", "steel_slag")
        assert (row["offered"], row["needed"], row["overlap"], row["unit"]) == (900, pytest.approx(1200), 900, "t")
        assert (row["share_of_offer"], row["share_of_need"]) == (1, pytest.approx(0.75))

    def test_every_pair_stands_for_itself(self, given: Given) -> None:
        found = self.exchanged(given, OFFER, NEED, NEED | {"enterprise_id": "E3", "quantity": 100.0, "unit": "t"})
        assert [(row["needing_enterprise_id"], row["overlap"]) for row in found] == [("E2", 900), ("E3", 100)]

    @pytest.mark.parametrize(
        "need",
        [
            {"enterprise_id": "E1"},
            {"item_code": "fly_ash"},
            {"direction": "offer"},
            {"valid_to": date(2025, 1, 1)},
            {"valid_from": date(2027, 1, 1)},
        ],
    )
    def test_nobody_trades_with_himself_other_things_or_at_other_times(self, given: Given, need: dict) -> None:
        assert self.exchanged(given, OFFER, NEED | need) == []

    @pytest.mark.parametrize(
        ("offer", "need", "words"),
        [
            ({}, {"quantity": None}, "the need names no quantity"),
            ({"quantity": None}, {}, "the offer names no quantity"),
            ({}, {"unit": None}, "a quantity has no unit"),
            ({}, {"unit": "m3"}, "no path from 'm3' (volume) to 't' (mass)"),
        ],
    )
    def test_what_is_missing_is_named(self, given: Given, offer: dict, need: dict, words: str) -> None:
        (row,) = self.exchanged(given, OFFER | offer, NEED | need)
        assert (row["overlap"], row["share_of_offer"], row["state"]) == (None, None, "missing")
        assert row["missing"].startswith(words)


def test_it_says_what_it_found(given: Given) -> None:
    given.offers = [OFFER, NEED]
    given.indicators = [INDICATOR | {"metric_code": "solid_waste_utilisation_rate"}]
    given.run()
    assert given.outcome.message == "1 of 2 needs have a technology in the library; 1 offers meet a need"
