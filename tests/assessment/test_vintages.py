"""Other vintages of a factor: which editions count, what they change of a value, and that a grade can hang on one."""

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.assessment.in_force import in_force
from pipelines.assessment.rescore import Scorable
from pipelines.assessment.sensitivity import summary, under_vintages
from pipelines.assessment.vintages import SOURCES, alternatives, changes, ratios
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frame, own_rows, reference
from tests.assessment.systems import PERIOD, build, observation, quantitative, scorable, thresholds

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)
METRICS = pl.DataFrame(
    [
        {"metric_code": "energy", "numerator_source": "consumption", "numerator_code": "ALL", "numerator_measure": "energy_tce_calorific+energy_tce_working_medium"},
        {"metric_code": "carbon", "numerator_source": "carbon", "numerator_code": "combustion+purchased_electricity", "numerator_measure": "co2e_t"},
        {"metric_code": "of_gas", "numerator_source": "consumption", "numerator_code": "natural_gas", "numerator_measure": "co2e_t"},
        {"metric_code": "water", "numerator_source": "consumption", "numerator_code": "ALL", "numerator_measure": "quantity"},
    ]
)  # fmt: skip


def factor(factor_id: str, value: float, item: str = "electricity", kind: str = "grid", series: str = "average", **cells: Any) -> dict:
    return {
        "factor_id": factor_id, "value": value, "kind": kind, "item_code": item, "basis": "location", "region": "CN", "series": series,
        "unit_from": "kWh", "unit_to": "tCO2e",
    } | cells  # fmt: skip


FACTORS = [
    factor("grid-2023", 0.5),
    factor("grid-2022", 0.6),
    factor("fossil", 0.9, series="fossil only"),
    factor("gas", 2.0, "natural_gas", "ghg"),
]


def consumed(item: str, month: date, co2e: float, factor_id: str | None, **cells: Any) -> dict:
    return {"enterprise_id": "E1", "item_code": item, "month_start_date": month, "co2e_t": co2e, "co2e_factor_id": factor_id} | cells


def efficiency(metric: str, month: date, numerator: float | None, **cells: Any) -> dict:
    row = {
        "enterprise_id": "E1",
        "metric_code": metric,
        "month_start_date": month,
        "numerator": numerator,
        "denominator": 10.0,
        "product_code": "ALL",
    }
    return row | cells


def changed(consumption: list[dict], efficiencies: list[dict], factors: list[dict] = FACTORS) -> pl.DataFrame:
    made = {"consumption": consumption, "efficiency": efficiencies, "factors": factors}
    return changes(METRICS, *(frame(SOURCES[name], rows) for name, rows in made.items()))


def of_year(found: pl.DataFrame) -> dict[tuple[str, str], float]:
    subject = pl.DataFrame([{"enterprise_id": "E1"} | PERIOD])
    return {(row["metric_code"], row["label"]): row["ratio"] for row in ratios(subject, found).iter_rows(named=True)}


def test_editions_differ_in_nothing_else() -> None:
    rows = frame(SOURCES["factors"], [*FACTORS, factor("same", 0.5), factor("regional", 0.7, region="CN-GD")])
    found = {(own, other): ratio for own, other, ratio in alternatives(rows).iter_rows()}
    assert found == {
        ("grid-2023", "grid-2022"): pytest.approx(1.2), ("grid-2022", "grid-2023"): pytest.approx(1 / 1.2), ("grid-2022", "same"): pytest.approx(1 / 1.2),
        ("same", "grid-2022"): pytest.approx(1.2),
    }  # fmt: skip


def test_only_what_the_edition_prices_moves() -> None:
    """Electricity 60 of 100 t at 0.5; at 0.6 it is 72, the whole 112; gas has no other edition."""
    rows = [consumed("electricity", MARCH, 60.0, "grid-2023"), consumed("natural_gas", MARCH, 40.0, "gas")]
    assert of_year(changed(rows, [efficiency("carbon", MARCH, 100.0), efficiency("of_gas", MARCH, 40.0)])) == {
        ("carbon", "grid-2022"): pytest.approx(1.12)
    }


def test_months_without_the_factor_belong_to_the_value_too() -> None:
    rows = [consumed("electricity", MARCH, 60.0, "grid-2023"), consumed("electricity", APRIL, 100.0, "measured")]
    both = [efficiency("carbon", MARCH, 60.0), efficiency("carbon", APRIL, 60.0)]
    assert of_year(changed(rows, both)) == {("carbon", "grid-2022"): pytest.approx(1 + 12 / 120)}
    unknown = [efficiency("carbon", MARCH, None), efficiency("carbon", APRIL, 60.0)]
    assert of_year(changed(rows, unknown)) == {}, "a month without a figure is in no value"
    last_year = [consumed("electricity", date(2024, 3, 1), 60.0, "grid-2023")]
    assert of_year(changed(last_year, [efficiency("carbon", date(2024, 3, 1), 60.0)])) == {}


def test_processes_and_quantities_are_left_alone() -> None:
    of_process = [consumed("electricity", MARCH, 60.0, "grid-2023", process_id="P1")]
    assert of_year(changed(of_process, [efficiency("carbon", MARCH, 60.0)])) == {}
    whole = [consumed("electricity", MARCH, 60.0, "grid-2023")]
    assert of_year(changed(whole, [efficiency("water", MARCH, 60.0), efficiency("carbon", MARCH, 60.0, process_id="P1")])) == {}


@pytest.mark.parametrize("own", [False, True])
def test_the_shipped_metrics_of_energy_and_carbon_are_reached(shipped_standards: Standards, own: bool) -> None:
    """Once each, also where a park words one of them anew."""
    if own:
        [energy] = shipped_standards.base["metrics"].filter(pl.col("metric_code") == "energy_per_output").to_dicts()
        shipped_standards = own_rows(shipped_standards, "metrics", energy | {"name": "Ours", "valid_from": "2020-01-01"})
    metrics = in_force(reference(shipped_standards, SOURCES["metrics"], "metrics"), date(2026, 1, 1), ["metric_code"])
    tce = factor("tce-electricity-a", 0.0001, kind="tce", unit_to="tce"), factor("tce-electricity-b", 0.0002, kind="tce", unit_to="tce")
    rows = [consumed("electricity", MARCH, 60.0, "grid-2023", energy_tce_calorific=5.0, tce_calorific_factor_id="tce-electricity-a")]
    efficiencies = [efficiency(metric, MARCH, 60.0) for metric in metrics["metric_code"]]
    made = {"consumption": rows, "efficiency": efficiencies, "factors": [*FACTORS, *tce]}
    found = of_year(changes(metrics, *(frame(SOURCES[name], given) for name, given in made.items())))
    assert found["energy_per_output", "tce-electricity-b"] == pytest.approx(1 + 5 / 60)
    assert found["co2e_per_output", "grid-2022"] == found["co2e_per_output_value", "grid-2022"] == pytest.approx(1.2)
    assert not {metric for metric, _ in found} & {"electricity_per_output", "fresh_water_per_output"}


class TestGrades:
    def scored(self, product_kind: str | None = None) -> Scorable:
        """Indicator `a` is of the metric carbon, I up to 100; `b` of another."""
        indicators = [quantitative("a", "0.5", direction="lower_is_better"), quantitative("b", "0.5")]
        system = build(indicators=indicators, cells=[*thresholds("a", "<=", ("100", "110", "120")), *thresholds("b")])
        made = scorable(system, {name: [observation("a", value), observation("b", 95.0)] for name, value in (("E1", 99.0), ("E2", 50.0))})
        of_carbon = pl.col("indicator_id") == "a"
        rules = made.rules.with_columns(
            metric_code=pl.when(of_carbon).then(pl.lit("carbon")).otherwise(pl.lit("other")),
            product_kind=pl.lit(product_kind, dtype=pl.String),
        )
        return replace(made, rules=rules)

    def ratios(self, *rows: tuple[str, str, str, float]) -> pl.DataFrame:
        return pl.DataFrame([{"enterprise_id": e} | PERIOD | {"metric_code": m, "label": label, "ratio": r} for e, m, label, r in rows])

    def test_a_grade_that_hangs_on_an_edition(self) -> None:
        scored = self.scored()
        rows = summary(scored, 0.2, 4, self.ratios(("E1", "carbon", "grid-2022", 1.3), ("E2", "carbon", "grid-2022", 1.3)))
        found = {row["enterprise_id"]: row for row in rows.filter(pl.col("scenario_kind") == "factor_vintages").iter_rows(named=True)}
        assert (found["E1"]["grade"], found["E1"]["grade_worst"], found["E1"]["scenarios"]) == ("I", "none", 1)
        assert found["E1"]["flips"] == ["grid-2022: none"]
        assert (found["E2"]["grade_kept_share"], found["E2"]["rank"], found["E2"]["rank_worst"]) == (1.0, 1, 1)

    def test_whoever_an_edition_does_not_touch_stays_as_it_is(self) -> None:
        scored = self.scored()
        found = under_vintages(scored, scored.assessed(), self.ratios(("E1", "carbon", "grid-2022", 1.05)))
        assert found.sort("enterprise_id").select("enterprise_id", "grade", "score_i").rows() == [("E1", "II", 50.0), ("E2", "I", 100.0)]
        assert under_vintages(scored, scored.assessed(), self.ratios(("E1", "nothing", "grid-2022", 1.3))).is_empty()

    def test_indicators_of_a_kind_of_product_keep_their_value(self) -> None:
        scored = self.scored(product_kind="steel")
        assert under_vintages(scored, scored.assessed(), self.ratios(("E1", "carbon", "grid-2022", 1.3))).is_empty()
