"""Targets: the straight path, what a year's value is, mergers and splits, forecasts, and what is missing for an answer."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from pipelines.assessment.target_progress import HIGHER, LOWER, PROGRESS, path_value, reaches
from pipelines.contracts.standards import Standards
from tests.assessment.measures import context, read, rows

TODAY = date(2025, 6, 15)
WATER = {
    "subject_kind": "enterprise", "subject_id": "E1", "metric_code": "item:fresh_water", "target_year": 2026, "baseline_year": 2022, "baseline_value": 1000.0,
    "target_value": 800.0, "unit": "m3", "set_on": date(2023, 1, 31), "set_by": "audit",
}  # fmt: skip
RATIO = WATER | {
    "metric_code": "fresh_water_per_output_value", "baseline_value": None, "target_value": 8.0, "unit": "m3/10^4 CNY",
}  # fmt: skip
_SCHEMAS = {
    "efficiency": {"enterprise_id": pl.String, "process_id": pl.String, "product_code": pl.String, "metric_code": pl.String, "year_start_date": pl.Date,
                   "numerator": pl.Float64, "denominator": pl.Float64, "unit": pl.String, "state": pl.String, "measured_share": pl.Float64},
    "consumption": {"enterprise_id": pl.String, "process_id": pl.String, "item_code": pl.String, "year_start_date": pl.Date, "quantity": pl.Float64,
                    "unit": pl.String, "completeness_share": pl.Float64, "measured_share": pl.Float64},
    "emission": {"enterprise_id": pl.String, "counts_in_enterprise_total": pl.Boolean, "pollutant_code": pl.String, "year_start_date": pl.Date,
                 "mass_kg": pl.Float64, "completeness_share": pl.Float64, "measured_share": pl.Float64},
    "consumption_monthly": {"enterprise_id": pl.String, "process_id": pl.String, "item_code": pl.String, "month_start_date": pl.Date, "quantity": pl.Float64},
    "emission_monthly": {"enterprise_id": pl.String, "counts_in_enterprise_total": pl.Boolean, "pollutant_code": pl.String, "month_start_date": pl.Date,
                         "mass_kg": pl.Float64},
    "outlook": {"subject_kind": pl.String, "subject_id": pl.String, "metric_code": pl.String, "month_start_date": pl.Date, "value": pl.Float64, "unit": pl.String},
}  # fmt: skip


def used(by_year: dict[int, float | None], enterprise: str = "E1", completeness: float = 1.0) -> list[dict]:
    return [
        {"enterprise_id": enterprise, "item_code": "fresh_water", "year_start_date": date(year, 1, 1), "quantity": quantity, "unit": "m3",
         "completeness_share": completeness, "measured_share": 1.0}
        for year, quantity in by_year.items()
    ]  # fmt: skip


def ratio(by_year: dict[int, tuple[float | None, float | None]], enterprise: str = "E1", **more: Any) -> list[dict]:
    return [
        {"enterprise_id": enterprise, "product_code": "ALL", "metric_code": "fresh_water_per_output_value", "year_start_date": date(year, 1, 1),
         "numerator": above, "denominator": below, "unit": "m3/10^4 CNY", "state": "self_reported", "measured_share": 0.5} | more
        for year, (above, below) in by_year.items()
    ]  # fmt: skip


@dataclass
class Given:
    standards: Standards
    targets: list[dict] = field(default_factory=lambda: [WATER])
    relations: list[dict] = field(default_factory=list)
    efficiency: list[dict] = field(default_factory=list)
    consumption: list[dict] = field(default_factory=list)
    emission: list[dict] = field(default_factory=list)
    consumption_monthly: list[dict] = field(default_factory=list)
    outlook: list[dict] = field(default_factory=list)
    of_park: dict[str, list[dict]] = field(default_factory=dict)
    today: date = TODAY

    def rows(self) -> list[dict[str, Any]]:
        frame = lambda name, made: pl.DataFrame(made, schema=_SCHEMAS[name])  # noqa: E731 - one frame of a table of tests
        metrics = self.standards.seed("metrics").with_columns(pl.col("scale").cast(pl.Float64), pl.col("valid_from").str.to_date())
        frames = read(
            PROGRESS,
            targets=rows("target", *self.targets),
            relations=rows("entity_relation", *self.relations),
            metrics=metrics,
            efficiency=frame("efficiency", self.efficiency),
            park_efficiency=frame("efficiency", self.of_park.get("efficiency", [])),
            consumption=frame("consumption", self.consumption),
            park_consumption=frame("consumption", self.of_park.get("consumption", [])),
            emission=frame("emission", self.emission),
            park_emission=frame("emission", self.of_park.get("emission", [])),
            consumption_monthly=frame("consumption_monthly", self.consumption_monthly),
            park_consumption_monthly=frame("consumption_monthly", []),
            emission_monthly=frame("emission_monthly", []),
            park_emission_monthly=frame("emission_monthly", []),
            outlook=frame("outlook", self.outlook),
        )
        self.outcome = PROGRESS.run(frames, context(self.standards, self.today))
        return self.outcome.frames["target_progress"].sort("subject_id", "metric_code", "year").to_dicts()

    def by_year(self) -> dict[int, dict[str, Any]]:
        return {row["year"]: row for row in self.rows()}


@pytest.fixture
def given(shipped_standards: Standards) -> Given:
    return Given(shipped_standards)


# -- formulas --------------------------------------------------------------------------------------------------------------------------


def test_the_path_is_straight() -> None:
    assert [path_value(2022, 1000, 2026, 800, year) for year in range(2022, 2027)] == [1000, 950, 900, 850, 800]
    with pytest.raises(ValueError, match="target year 2022 is not after baseline year 2022"):
        path_value(2022, 1, 2022, 1, 2022)


@over(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(1, 30))
def test_the_path_begins_and_ends_where_it_should(baseline: float, target: float, years: int) -> None:
    assert path_value(2020, baseline, 2020 + years, target, 2020) == pytest.approx(baseline)
    assert path_value(2020, baseline, 2020 + years, target, 2020 + years) == pytest.approx(target, abs=1e-6)


@over(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_one_way_is_better_than_the_other(value: float, demanded: float) -> None:
    assert reaches(value, demanded, LOWER) or reaches(value, demanded, HIGHER)
    assert reaches(value, value, LOWER)
    assert reaches(value, value, HIGHER)


# -- quantities ------------------------------------------------------------------------------------------------------------------------


class TestQuantity:
    def test_year_by_year(self, given: Given) -> None:
        given.consumption = used({2022: 999.0, 2023: 940.0, 2024: 930.0})
        found = given.by_year()
        assert [row["status"] for row in found.values()] == ["baseline", "on_track", "behind", "open", "open"]
        assert found[2023]["behind_by"] == pytest.approx(-10)
        assert found[2024]["behind_by"] == pytest.approx(30)
        assert found[2024]["progress_share"] == pytest.approx(70 / 200)
        assert (found[2024]["unit"], found[2024]["is_ratio"], found[2024]["direction"]) == ("m3", False, "lower_is_better")
        assert (found[2024]["state"], found[2025]["state"]) == ("measured", "missing")
        # the declared baseline stands, whatever the system computed
        assert (found[2022]["actual_value"], found[2022]["baseline_value"]) == (1000, 1000)

    @pytest.mark.parametrize(("value", "status"), [(800.0, "met"), (799.0, "met"), (800.1, "missed")])
    def test_the_last_year_decides(self, given: Given, value: float, status: str) -> None:
        given.today = date(2027, 2, 1)
        given.consumption = used({2026: value})
        assert given.by_year()[2026]["status"] == status

    def test_the_year_before_it_is_over_is_open(self, given: Given) -> None:
        given.consumption = used({2026: 10.0})
        given.today = date(2026, 12, 31)
        assert given.by_year()[2026]["status"] == "open"
        given.today = date(2027, 1, 1)
        assert given.by_year()[2026]["status"] == "met"

    def test_in_another_unit(self, given: Given) -> None:
        given.targets = [WATER | {"unit": "10^4 m3", "baseline_value": 0.1, "target_value": 0.08}]
        given.consumption = used({2023: 940.0})
        assert given.by_year()[2023]["actual_value"] == pytest.approx(0.094)
        assert given.by_year()[2023]["status"] == "on_track"

    def test_emission_of_the_outlets_that_count(self, given: Given) -> None:
        given.targets = [WATER | {"metric_code": "mass:w01018", "unit": "t", "baseline_value": 10.0, "target_value": 6.0}]
        outlet = {
            "enterprise_id": "E1",
            "pollutant_code": "w01018",
            "year_start_date": date(2023, 1, 1),
            "completeness_share": 1.0,
            "measured_share": 1.0,
        }
        given.emission = [
            outlet | {"counts_in_enterprise_total": True, "mass_kg": 5000.0},
            outlet | {"counts_in_enterprise_total": True, "mass_kg": 3500.0, "measured_share": 0.0},
            outlet | {"counts_in_enterprise_total": False, "mass_kg": 900.0},
        ]  # fmt: skip
        row = given.by_year()[2023]
        assert (row["actual_value"], row["status"]) == (pytest.approx(8.5), "on_track")
        assert row["measured_share"] == pytest.approx(5 / 8.5)
        assert row["state"] == "estimated"

    def test_of_the_park(self, given: Given) -> None:
        given.targets = [WATER | {"subject_kind": "park", "subject_id": "P"}]
        given.of_park = {"consumption": [row | {"enterprise_id": None} for row in used({2023: 951.0})]}
        assert given.by_year()[2023]["status"] == "behind"


class TestRatio:
    def test_is_normalised_and_its_baseline_computed(self, given: Given) -> None:
        """m3 over CNY, times 10 000: 1000 m3 of 10^6 CNY are 10 m3 per 10^4 CNY."""
        given.targets = [RATIO]
        given.efficiency = ratio({2022: (1000.0, 1e6), 2023: (1140.0, 1.2e6), 2024: (1110.0, 1.2e6)})
        found = given.by_year()
        assert found[2022]["baseline_value"] == pytest.approx(10)
        assert [found[year]["actual_value"] for year in (2023, 2024)] == pytest.approx([9.5, 9.25])
        assert [found[year]["path_value"] for year in (2023, 2024)] == pytest.approx([9.5, 9.0])
        # on the path to the last digit is on the path
        assert [found[year]["status"] for year in (2023, 2024)] == ["on_track", "behind"]
        assert found[2023]["is_ratio"]
        assert found[2023]["measured_share"] == 0.5

    def test_higher_is_better(self, given: Given) -> None:
        given.targets = [RATIO | {"metric_code": "water_reuse_rate", "unit": "%", "baseline_value": 60.0, "target_value": 80.0}]
        given.efficiency = ratio({2023: (66.0, 100.0), 2024: (64.0, 100.0)}, metric_code="water_reuse_rate", unit="%")
        found = given.by_year()
        assert (found[2023]["status"], found[2024]["status"]) == ("on_track", "behind")
        assert found[2024]["behind_by"] == pytest.approx(6)
        assert found[2024]["progress_share"] == pytest.approx(0.2)

    def test_processes_and_products_are_not_the_whole(self, given: Given) -> None:
        given.targets = [RATIO | {"baseline_value": 10.0}]
        given.efficiency = [*ratio({2023: (1.0, 1e6)}, process_id="P1"), *ratio({2023: (1.0, 1e6)}, product_code="WARE")]
        assert given.by_year()[2023]["missing"] == ["nothing is known of fresh_water_per_output_value in 2023"]


class TestMissing:
    def test_a_year_is_named(self, given: Given) -> None:
        given.consumption = used({2023: 940.0})
        row = given.by_year()[2024]
        assert (row["status"], row["state"]) == ("not_computable", "missing")
        assert row["missing"] == ["nothing is known of item:fresh_water in 2024"]

    def test_a_year_that_is_half_known_is_not_half_of_its_use(self, given: Given) -> None:
        given.consumption = used({2023: 470.0}, completeness=0.5)
        row = given.by_year()[2023]
        assert (row["status"], row["actual_value"]) == ("not_computable", None)
        assert row["missing"] == ["50% of 2023 is known of item:fresh_water"]

    def test_a_missing_baseline_leaves_values_without_a_verdict(self, given: Given) -> None:
        given.targets = [WATER | {"baseline_value": None}]
        given.consumption = used({2023: 940.0})
        row = given.by_year()[2023]
        assert (row["status"], row["actual_value"], row["path_value"]) == ("not_computable", 940, None)
        assert row["missing"] == ["baseline: nothing is known of item:fresh_water in 2022"]

    def test_a_side_of_a_ratio(self, given: Given) -> None:
        given.targets = [RATIO | {"baseline_value": 10.0}]
        given.efficiency = ratio({2023: (1000.0, None), 2024: (1000.0, 0.0)})
        found = given.by_year()
        assert found[2023]["missing"] == ["a side of fresh_water_per_output_value is missing in 2023"]
        assert found[2024]["missing"] == ["the denominator of fresh_water_per_output_value was 0 in 2024"]

    def test_a_unit_that_does_not_convert(self, given: Given) -> None:
        given.targets = [WATER | {"unit": "t"}]
        given.consumption = used({2023: 940.0})
        (words,) = given.by_year()[2023]["missing"]
        assert words.startswith("no path from 'm3' (volume) to 't' (mass)")

    def test_a_metric_that_nobody_knows(self, given: Given) -> None:
        given.targets = [WATER | {"metric_code": "happiness"}]
        (row,) = given.rows()
        assert (row["year"], row["status"]) == (2026, "not_computable")
        assert row["missing"] == ["metric happiness is not in reference.metric: nothing says which way is better"]

    def test_a_target_that_ends_before_it_begins(self, given: Given) -> None:
        given.targets = [WATER | {"baseline_year": 2026}]
        (row,) = given.rows()
        assert row["missing"] == ["target year 2026 is not after baseline year 2026"]


# -- perimeter -------------------------------------------------------------------------------------------------------------------------


class TestLineage:
    DAY = date(2024, 4, 1)

    def test_what_merged_in_is_in_the_baseline(self, given: Given) -> None:
        """Without it the growth by the merger would look like failure."""
        given.targets = [WATER | {"baseline_value": None, "target_value": 1200.0}]
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E0", "to_id": "E1", "relation": "merged_into", "effective_date": self.DAY}
        ]
        given.consumption = [*used({2022: 1000.0, 2023: 960.0, 2024: 1250.0}), *used({2022: 600.0, 2023: 580.0, 2024: 140.0}, "E0")]
        found = given.by_year()
        assert (found[2022]["baseline_value"], found[2023]["actual_value"], found[2024]["actual_value"]) == (1600, 1540, 1390)
        assert found[2024]["perimeter"] == ["E1", "E0"]
        assert found[2024]["notes"] == ["with E0, merged in on 2024-04-01"]
        assert found[2024]["status"] == "on_track"

    def test_what_was_split_off_since_still_counts(self, given: Given) -> None:
        """Giving a works away saves nothing."""
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E1", "to_id": "E2", "relation": "split_from", "effective_date": self.DAY}
        ]
        given.consumption = [*used({2023: 960.0, 2024: 700.0}), *used({2024: 240.0}, "E2")]
        row = given.by_year()[2024]
        assert (row["actual_value"], row["status"], row["perimeter"]) == (940, "behind", ["E1", "E2"])

    def test_what_was_split_off_before_the_target_was_set_does_not(self, given: Given) -> None:
        given.targets = [WATER | {"set_on": date(2024, 5, 1)}]
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E1", "to_id": "E2", "relation": "split_from", "effective_date": self.DAY}
        ]
        given.consumption = [*used({2024: 700.0}), *used({2024: 240.0}, "E2")]
        assert given.by_year()[2024]["actual_value"] == 700

    def test_what_was_a_part_has_no_past_of_its_own(self, given: Given) -> None:
        given.targets = [WATER | {"subject_id": "E2", "baseline_value": None, "set_on": date(2024, 5, 1)}]
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E1", "to_id": "E2", "relation": "split_from", "effective_date": self.DAY}
        ]
        given.consumption = [*used({2022: 1000.0, 2023: 960.0, 2024: 700.0}), *used({2024: 240.0}, "E2")]
        row = given.by_year()[2023]
        assert row["status"] == "not_computable"
        assert row["missing"] == [
            "baseline: E2 was not on its own before 2024-04-01, and 2022 is not told apart",
            "E2 was not on its own before 2024-04-01, and 2023 is not told apart",
        ]

    def test_what_went_into_another_has_no_future_of_its_own(self, given: Given) -> None:
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E1", "to_id": "E9", "relation": "merged_into", "effective_date": self.DAY}
        ]
        given.consumption = used({2023: 940.0, 2024: 200.0})
        found = given.by_year()
        assert found[2023]["status"] == "on_track"
        assert found[2024]["missing"] == ["E1 is not on its own since 2024-04-01, and 2024 is not told apart"]

    def test_a_new_name_is_no_new_enterprise(self, given: Given) -> None:
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E1", "to_id": "E1b", "relation": "renamed", "effective_date": self.DAY}
        ]
        given.consumption = [*used({2023: 940.0, 2024: 230.0}), *used({2024: 660.0}, "E1b")]
        assert given.by_year()[2024]["actual_value"] == 890


# -- forecast --------------------------------------------------------------------------------------------------------------------------


def in_months(values: dict[int, float], enterprise: str = "E1") -> list[dict]:
    return [
        {"enterprise_id": enterprise, "item_code": "fresh_water", "month_start_date": date(2025, month, 1), "quantity": value} for month, value in values.items()
    ]  # fmt: skip


def ahead(values: dict[date, float], subject: str = "E1", unit: str = "m3") -> list[dict]:
    return [
        {"subject_kind": "enterprise", "subject_id": subject, "metric_code": "item:fresh_water", "month_start_date": month, "value": value, "unit": unit}
        for month, value in values.items()
    ]  # fmt: skip


class TestForecast:
    def test_known_and_forecast_months_make_the_year(self, given: Given) -> None:
        given.consumption_monthly = in_months(dict.fromkeys(range(1, 6), 72.0))
        given.outlook = ahead(
            {date(2025, month, 1): 68.0 for month in range(6, 13)} | {date(2026, month, 1): 66.0 for month in range(1, 6)}
        )
        found = given.by_year()
        assert (found[2025]["forecast_value"], found[2025]["forecast_months"]) == (5 * 72 + 7 * 68, 7)
        assert (found[2025]["path_value"], found[2025]["forecast_reaches_path"], found[2025]["status"]) == (850, True, "open")
        assert found[2025]["state"] == "estimated"
        # the outlook does not reach to the end of 2026
        assert (found[2026]["forecast_value"], found[2026]["forecast_reaches_path"]) == (None, None)
        assert found[2024]["forecast_value"] is None

    def test_that_is_not_enough(self, given: Given) -> None:
        given.targets = [WATER | {"unit": "10^4 m3", "baseline_value": 0.1, "target_value": 0.08}]
        given.consumption_monthly = in_months(dict.fromkeys(range(1, 6), 90.0))
        given.outlook = ahead({date(2025, month, 1): 90.0 for month in range(6, 13)})
        row = given.by_year()[2025]
        assert (row["forecast_value"], row["forecast_reaches_path"]) == (pytest.approx(0.108), False)

    def test_a_month_that_is_not_known_leaves_no_sum(self, given: Given) -> None:
        given.consumption_monthly = in_months({1: 72.0, 2: 72.0, 4: 72.0, 5: 72.0})
        given.outlook = ahead({date(2025, month, 1): 68.0 for month in range(6, 13)})
        assert given.by_year()[2025]["forecast_value"] is None

    def test_every_part_of_the_perimeter_needs_a_forecast(self, given: Given) -> None:
        given.relations = [
            {"entity_kind": "enterprise", "from_id": "E1", "to_id": "E2", "relation": "split_from", "effective_date": date(2024, 4, 1)}
        ]
        given.consumption_monthly = [*in_months(dict.fromkeys(range(1, 6), 50.0)), *in_months(dict.fromkeys(range(1, 6), 22.0), "E2")]
        given.outlook = ahead({date(2025, month, 1): 48.0 for month in range(6, 13)})
        assert given.by_year()[2025]["forecast_value"] is None
        given.outlook += ahead({date(2025, month, 1): 20.0 for month in range(6, 13)}, "E2")
        assert given.by_year()[2025]["forecast_value"] == 5 * 72 + 7 * 68


def test_it_says_how_the_targets_stand(given: Given) -> None:
    given.targets = [WATER, WATER | {"subject_id": "E2"}, WATER | {"subject_id": "E3"}]
    given.consumption = [*used({2023: 940.0, 2024: 890.0}), *used({2023: 940.0, 2024: 930.0}, "E2")]
    given.rows()
    assert given.outcome.message == "3 targets, by their last year that is known: 1 on track, 1 behind"


def test_the_figure_draws(given: Given) -> None:
    from matplotlib.figure import Figure

    given.consumption = used({2023: 940.0, 2024: 930.0})
    given.rows()
    axes = Figure().subplots()
    PROGRESS.plot(axes, given.outcome.frames)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["E1 item:fresh_water 2026"]


def test_no_targets_give_an_empty_table(given: Given) -> None:
    given.targets = []
    assert given.rows() == []
    assert given.outcome.message == "0 targets, by their last year that is known: none is known"
