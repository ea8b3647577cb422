"""HJ 274, the international framework, zero-carbon parks: from marts and surveys to met, not met, not computable."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.assessment.method import Outcome
from pipelines.assessment.park_checklist import CHECKLISTS, check_standards
from pipelines.contracts.standards import Standards, StandardsError
from tests.assessment.given import PARK, frames, run

TODAY = date(2026, 1, 20)
PERIODS = [{"period_type": "calendar_year", "period_start": date(2025, 1, 1), "period_end": date(2026, 1, 1)}]
MEMBERS = [{"enterprise_id": name, "valid_from": date(2015, 1, 1), "valid_to": date(9999, 12, 31)} for name in ("E1", "E2", "E3")]
KNOWN = {"state": "measured", "measured_share": 1.0}


def energy(year: int, tce: float, item: str = "natural_gas", **more: object) -> dict:
    return {"item_code": item, "item_kind": "energy", "year_start_date": date(year, 1, 1), "quantity": tce, "energy_tce_calorific": tce,
            "co2e_t": 2 * tce} | KNOWN | more  # fmt: skip


def value_added(year: int, cny: float, enterprise: str = "E1", basis: str = "constant_2020") -> dict:
    return {"enterprise_id": enterprise, "product_code": "ALL", "year_start_date": date(year, 1, 1), "value_added_cny": cny,
            "price_basis": basis, "state": "self_reported"}  # fmt: skip


def all_value_added(year: int, cny: float, **more: str) -> list[dict]:
    return [value_added(year, cny / 3, enterprise, **more) for enterprise in ("E1", "E2", "E3")]


def metric(
    code: str, value: float | None, year: int = 2025, numerator: float | None = 1.0, denominator: float | None = 1.0, **more: object
) -> dict:
    return {"product_code": "ALL", "metric_code": code, "year_start_date": date(year, 1, 1), "value": value, "numerator": numerator,
            "denominator": denominator} | KNOWN | more  # fmt: skip


def answer(item: str, word: str | float, checklist: str = "HJ274", subject: str = PARK, kind: str = "park", role: str = "auditor",
           on: date = date(2025, 6, 1)) -> dict:  # fmt: skip
    number = word if isinstance(word, int | float) else None
    return {"subject_kind": kind, "subject_id": subject, "checklist_id": checklist, "item_id": item, "answered_on": on, "surveyor_role": role,
            "answer": "number" if number is not None else word, "value": number}  # fmt: skip


def event(kind: str, on: date, subject: str = PARK, subject_kind: str = "park", **more: object) -> dict:
    return {
        "event_id": f"{kind} {on} {subject}",
        "event_kind": kind,
        "subject_kind": subject_kind,
        "subject_id": subject,
        "occurred_on": on,
    } | more


class Park:
    """What a park knows, and what its checklists say of it."""

    def __init__(self, standards: Standards, **given: Any) -> None:
        self.outcome: Outcome = run(CHECKLISTS, standards, TODAY, {"periods": PERIODS, "memberships": MEMBERS} | given)

    def item(self, item_id: str, checklist: str = "HJ274", year: int = 2025) -> dict:
        rows = self.outcome.frames["park_checklist"].filter(
            (pl.col("checklist_id") == checklist) & (pl.col("item_id") == item_id) & (pl.col("period_start") == date(year, 1, 1))
        )
        (row,) = rows.to_dicts()
        return row

    def whole(self, checklist: str = "HJ274", area: str = "ALL") -> dict:
        rows = self.outcome.frames["park_checklist_result"].filter((pl.col("checklist_id") == checklist) & (pl.col("area") == area))
        (row,) = rows.to_dicts()
        return row


@pytest.fixture
def park(shipped_standards: Standards) -> Callable[..., Park]:
    return lambda **given: Park(shipped_standards, **given)


class TestElasticity:
    def test_the_published_example(self, park: Callable[..., Park]) -> None:
        """Energy 40 → 46 x 10^4 tce, value added 20 → 26 x 10^8 CNY over three years: elasticity 0.5218, met."""
        found = park(
            consumption=[energy(2022, 400_000), energy(2025, 460_000)],
            production=[*all_value_added(2022, 20e8), *all_value_added(2025, 26e8)],
        ).item("energy_elasticity")
        assert found["value"] == pytest.approx(0.5218, abs=5e-5)
        assert (round(found["numerator_growth"], 3), round(found["denominator_growth"], 3)) == (4.769, 9.139)
        assert (found["result"], found["operator"], found["threshold"]) == ("met", "<=", "0.6")
        assert (found["numerator"], found["state"], found["verification_status"]) == (460_000, "self_reported", "recalled")

    def test_value_added_that_stood_still_is_left_to_a_person(self, park: Callable[..., Park]) -> None:
        given = {
            "consumption": [energy(2022, 40), energy(2025, 46)],
            "production": [*all_value_added(2022, 21), *all_value_added(2025, 21)],
        }
        found = park(**given).item("energy_elasticity")
        assert (found["result"], found["value"]) == ("manual_review", None)
        assert "stood still" in found["notes"][0]
        review = {"review_id": "V1", "about": "park_checklist", "decided_on": date(2026, 1, 10), "decision": "override", "value_text": "met",
                  "role": "bureau", "independence": "independent",
                  "subject_key": "HJ274 / calendar_year / 2025-01-01 / 2026-01-01 / energy_elasticity"}  # fmt: skip
        decided = park(**given, reviews=[review]).item("energy_elasticity")
        assert (decided["result"], decided["decided_by"]) == ("met", "bureau")

    def test_falling_value_added_turns_the_demand(self, park: Callable[..., Park]) -> None:
        production = [*all_value_added(2022, 26e8), *all_value_added(2025, 20e8)]
        saved = park(consumption=[energy(2022, 46), energy(2025, 36)], production=production).item("energy_elasticity")
        assert (saved["result"], saved["operator"], saved["condition"]) == ("met", ">=", "denominator_growth < 0")
        wasted = park(consumption=[energy(2022, 46), energy(2025, 46)], production=production).item("energy_elasticity")
        assert wasted["result"] == "not_met"

    def test_current_prices_are_no_growth(self, park: Callable[..., Park]) -> None:
        found = park(
            consumption=[energy(2022, 40), energy(2025, 46)],
            production=[*all_value_added(2022, 20, basis="current"), *all_value_added(2025, 26, basis="current")],
        ).item("energy_elasticity")
        assert (found["result"], found["value"]) == ("not_computable", None)
        assert "at constant prices (reports name current for 2022, current for 2025)" in found["missing"][0]

    def test_what_is_missing_is_named(self, park: Callable[..., Park]) -> None:
        found = park(consumption=[energy(2025, 46)], production=[value_added(2022, 20), *all_value_added(2025, 26)]).item(
            "energy_elasticity"
        )
        assert found["missing"] == ["consumption of any energy in 2022", "value_added_cny of E2, E3 in 2022"]
        without_factor = [energy(2022, 40), energy(2025, 46), energy(2025, 5, "biogas", energy_tce_calorific=None)]
        found = park(consumption=without_factor, production=[*all_value_added(2022, 20), *all_value_added(2025, 26)]).item(
            "energy_elasticity"
        )
        assert found["missing"] == ["a factor for energy_tce_calorific of biogas in 2025"]

    def test_each_main_pollutant_must_meet_its_elasticity(self, park: Callable[..., Park]) -> None:
        def discharge(year: int, code: str, mass: float | None) -> dict:
            return {"outlet_id": "S1", "pollutant_code": code, "year_start_date": date(year, 1, 1), "mass_kg": mass, "measured_kg": mass,
                    "state": "measured" if mass is not None else "missing"}  # fmt: skip

        production = [*all_value_added(2022, 20), *all_value_added(2025, 26)]
        before = {"w01018": 100.0, "w21003": 10.0, "a21026": 50.0, "a21002": 80.0}
        flat = [discharge(year, code, mass) for code, mass in before.items() for year in (2022, 2025)]
        assert park(emission=flat, production=production).item("pollutant_elasticity")["result"] == "met"
        worse = [
            row | {"mass_kg": 130.0} if (row["pollutant_code"], row["year_start_date"].year) == ("w01018", 2025) else row for row in flat
        ]
        found = park(emission=worse, production=production).item("pollutant_elasticity")
        assert (found["result"], found["value"]) == ("not_met", pytest.approx(1.0))
        assert any(note.startswith("emission:w21003:mass_kg: met") for note in found["notes"])
        unknown = [row | {"mass_kg": None} if row["pollutant_code"] == "w21003" else row for row in flat]
        found = park(emission=unknown, production=production).item("pollutant_elasticity")
        assert (found["result"], found["missing"]) == ("not_computable", ["w21003 at S1 in 2022", "w21003 at S1 in 2025"])


class TestGrowth:
    def test_three_years(self, park: Callable[..., Park]) -> None:
        production = [*all_value_added(2022, 100), *all_value_added(2025, 100 * 1.15**3)]
        found = park(production=production).item("value_added_growth")
        assert (found["value"], found["unit"]) == (pytest.approx(15.0), "%/a")

    def test_reduction_of_carbon_per_value_added(self, park: Callable[..., Park]) -> None:
        """Carbon doubles as value added triples: intensity falls by a third, 12.64 % a year."""
        found = park(
            consumption=[energy(2022, 100), energy(2025, 200)], production=[*all_value_added(2022, 10), *all_value_added(2025, 30)]
        ).item("carbon_intensity_reduction")
        assert found["value"] == pytest.approx((1 - (2 / 3) ** (1 / 3)) * 100)
        assert found["result"] == "met"

    def test_a_year_before_which_nothing_is_known(self, park: Callable[..., Park]) -> None:
        found = park(production=all_value_added(2025, 10)).item("value_added_growth")
        assert (found["result"], found["missing"]) == ("not_computable", ["value_added_cny in 2022"])


class TestRatios:
    def test_a_metric_with_its_sides(self, park: Callable[..., Park]) -> None:
        found = park(efficiency=[metric("energy_per_value_added", 0.4, numerator=400.0, denominator=10_000_000.0, enterprises_left_out=2)])
        row = found.item("energy_per_value_added")
        assert (row["value"], row["numerator"], row["denominator"], row["result"], row["measured_share"]) == (0.4, 400.0, 1e7, "met", 1.0)
        assert row["notes"] == ["2 enterprises owe a side of energy_per_value_added and are in neither sum"]

    def test_water_reuse_is_recycled_over_recycled_and_fresh(self, park: Callable[..., Park]) -> None:
        """R = Vr / (Vr + Vf): 300 recycled, 100 fresh, 75 %, met."""
        row = park(efficiency=[metric("water_reuse_rate", 75.0, numerator=300.0, denominator=400.0)]).item("water_reuse")
        assert (row["value"], row["numerator"] / row["denominator"], row["result"]) == (75.0, 0.75, "met")

    def test_a_metric_without_value_says_why(self, park: Callable[..., Park]) -> None:
        row = park(efficiency=[metric("water_reuse_rate", None, state="missing")]).item("water_reuse")
        assert (row["result"], row["missing"]) == ("not_computable", ["metric water_reuse_rate in 2025 (missing)"])

    def test_per_land(self, park: Callable[..., Park]) -> None:
        parks = [{"park_id": PARK, "area_km2": 3.0, "valid_from": date(2010, 1, 1)}]
        row = park(production=all_value_added(2025, 30e8), parks=parks).item("value_added_per_area")
        assert (row["value"], row["result"]) == (pytest.approx(10.0), "met")
        assert park(production=all_value_added(2025, 30e8)).item("value_added_per_area")["missing"] == [
            "area_km2 of the park register at the end of 2025"
        ]

    def test_what_is_known_may_be_enough(self, park: Callable[..., Park]) -> None:
        """Two of three have declared: already above the threshold, the third can only add."""
        parks = [{"park_id": PARK, "area_km2": 1.0, "valid_from": date(2010, 1, 1)}]
        enough = park(production=[value_added(2025, 6e8), value_added(2025, 4e8, "E2")], parks=parks).item("value_added_per_area")
        assert (enough["result"], enough["value"]) == ("met", None)
        assert "at least 10" in enough["notes"][-1]
        short = park(production=[value_added(2025, 6e8), value_added(2025, 2e8, "E2")], parks=parks).item("value_added_per_area")
        assert (short["result"], short["missing"]) == ("not_computable", ["value_added_cny of E3 in 2025"])

    def test_declared_employees(self, park: Callable[..., Park]) -> None:
        def staff(subject: str, persons: float, kind: str = "enterprise", duty: str = "statistics") -> dict:
            return {"subject_kind": kind, "subject_id": subject, "item_code": "employees", "medium": "none", "period_start": date(2025, 1, 1),
                    "period_end": date(2026, 1, 1), "report_kind": duty, "line_id": "-", "value": persons, "state": "self_reported"}  # fmt: skip

        of_members = [staff("E1", 100), staff("E2", 100), staff("E3", 300), staff("E3", 999, duty="tax")]
        row = park(production=all_value_added(2025, 1e8), reports=of_members).item("value_added_per_employee")
        assert (row["value"], row["denominator"]) == (pytest.approx(20.0), 500.0)
        of_park = [*of_members, staff(PARK, 1000, "park")]
        assert park(production=all_value_added(2025, 1e8), reports=of_park).item("value_added_per_employee")["value"] == pytest.approx(10.0)

    def test_renewable_energy_is_a_share_of_all(self, park: Callable[..., Park]) -> None:
        rows = [energy(2025, 90.0), energy(2025, 10.0, "photovoltaic_electricity")]
        row = park(consumption=rows).item("renewable_energy_share")
        assert (row["value"], row["result"]) == (10.0, "met")
        nobody_told = park(consumption=[energy(2025, 90.0)]).item("renewable_energy_share")
        assert nobody_told["result"] == "not_computable"

    def test_metered_energy(self, park: Callable[..., Park]) -> None:
        rows = [energy(2025, 80.0), energy(2025, 20.0, "diesel", measured_share=0.25, state="self_reported")]
        row = park(consumption=rows).item("energy_metered", "EIP2")
        assert (row["value"], row["result"]) == (pytest.approx(85.0), "not_met")


class TestEvents:
    def test_publicity_at_least_twice_a_year(self, park: Callable[..., Park]) -> None:
        events = [event("publicity", date(2025, 3, 1)), event("publicity", date(2025, 9, 1)), event("publicity", date(2026, 1, 9))]
        row = park(events=events).item("publicity_events")
        assert (row["value"], row["result"], row["unit"]) == (2.0, "met", "event/a")
        assert park(events=events[1:]).item("publicity_events")["result"] == "not_met"

    def test_no_register_of_events_is_not_no_incident(self, park: Callable[..., Park]) -> None:
        assert park().item("serious_incidents")["missing"] == ["events of 2025"]
        kept = [event("drill", date(2025, 3, 1))]
        assert park(events=kept).item("serious_incidents")["result"] == "met"
        serious = [*kept, event("incident", date(2025, 5, 1), "E1", "enterprise", severity="major")]
        assert park(events=serious).item("serious_incidents")["result"] == "not_met"
        small = [*kept, event("incident", date(2025, 5, 1), "E1", "enterprise", severity="general")]
        assert park(events=small).item("serious_incidents")["result"] == "met"

    def test_grievances_answered_in_time(self, park: Callable[..., Park]) -> None:
        in_time = event("complaint", date(2025, 2, 1), "E1", "enterprise", closed_on=date(2025, 3, 1))
        too_late = event("complaint", date(2025, 2, 2), "E1", "enterprise", closed_on=date(2025, 9, 1))
        open_and_late = event("complaint", date(2025, 4, 1), "E1", "enterprise")
        still_open = event("complaint", date(2025, 12, 20), "E1", "enterprise")
        row = park(events=[in_time, too_late]).item("grievances_within_90_days", "EIP2")
        assert (row["value"], row["result"]) == (50.0, "not_met")
        assert park(events=[in_time, open_and_late]).item("grievances_within_90_days", "EIP2")["value"] == 50.0
        row = park(events=[in_time, still_open]).item("grievances_within_90_days", "EIP2")
        assert (row["result"], row["missing"]) == ("not_computable", [f"the end of {still_open['event_id']}"])
        assert park(events=[event("drill", date(2025, 1, 1))]).item("grievances_within_90_days", "EIP2")["result"] == "not_applicable"


class TestShares:
    OUTLETS = tuple({"outlet_id": f"S{name}", "enterprise_id": name, "valid_from": date(2015, 1, 1)} for name in ("E1", "E2"))

    def test_compliance_of_who_has_outlets(self, park: Callable[..., Park]) -> None:
        judged = [{"enterprise_id": name, "month_start_date": date(2025, 5, 1), "periods_evaluated": 700} for name in ("E1", "E2")]
        row = park(outlets=list(self.OUTLETS), judged=judged).item("stable_compliance")
        assert (row["value"], row["numerator"], row["denominator"], row["result"], row["state"]) == (100.0, 2.0, 2.0, "met", "measured")
        above = [{"enterprise_id": "E2", "local_date": date(2025, 5, 3), "is_binding": True}]
        assert park(outlets=list(self.OUTLETS), judged=judged, exceedances=above).item("stable_compliance")["result"] == "not_met"

    def test_who_was_never_judged_is_named(self, park: Callable[..., Park]) -> None:
        judged = [{"enterprise_id": "E1", "month_start_date": date(2025, 5, 1), "periods_evaluated": 700}]
        row = park(outlets=list(self.OUTLETS), judged=judged).item("stable_compliance")
        assert (row["result"], row["missing"], row["state"]) == ("not_computable", ["exceedances of E2"], "missing")

    def test_without_anybody_it_does_not_apply(self, park: Callable[..., Park]) -> None:
        row = park().item("stable_compliance")
        assert (row["result"], row["state"]) == ("not_applicable", "not_applicable")

    def test_large_firms_with_a_management_system(self, park: Callable[..., Park]) -> None:
        def staff(subject: str, persons: float) -> dict:
            return {"subject_kind": "enterprise", "subject_id": subject, "enterprise_id": subject, "item_code": "employees", "medium": "none", "report_kind": "statistics",
                    "period_start": date(2024, 1, 1), "period_end": date(2025, 1, 1), "line_id": "-", "value": persons, "state": "self_reported"}  # fmt: skip

        def system(subject: str, word: str) -> dict:
            return answer("environmental_management_system", word, "EIP2", subject, "enterprise")

        reports = [staff("E1", 300), staff("E2", 251), staff("E3", 250)]
        row = park(reports=reports, answers=[system("E1", "yes"), system("E2", "no")]).item("environmental_management_system", "EIP2")
        assert (row["value"], row["denominator"], row["result"]) == (50.0, 2.0, "met")
        row = park(reports=reports, answers=[system("E1", "no")]).item("environmental_management_system", "EIP2")
        assert (row["result"], row["missing"]) == ("not_computable", ["answer:EIP2:environmental_management_system of E2"])
        row = park(reports=reports[:2], answers=[system("E1", "yes"), system("E2", "yes")]).item("environmental_management_system", "EIP2")
        assert (row["result"], row["value"]) == ("met", None), "whoever E3 is, two of three would be enough"
        row = park(reports=reports, answers=[system("E1", "yes"), system("E2", "not_applicable")]).item(
            "environmental_management_system", "EIP2"
        )
        assert (row["value"], row["denominator"]) == (100.0, 1.0)


class TestSurveys:
    def test_a_number_a_word_and_no_answer(self, park: Callable[..., Park]) -> None:
        found = park(answers=[answer("green_cover", 18.0), answer("central_wastewater_plant", "yes", role="park")])
        assert (found.item("green_cover")["value"], found.item("green_cover")["state"]) == (18.0, "measured")
        plant = found.item("central_wastewater_plant")
        assert (plant["answer"], plant["result"], plant["state"], plant["measured_share"]) == ("yes", "met", "self_reported", 0.0)
        assert found.item("management_capacity")["missing"] == ["the park's answer to HJ274 / management_capacity"]

    def test_a_word_is_no_number(self, park: Callable[..., Park]) -> None:
        row = park(answers=[answer("green_cover", "yes")]).item("green_cover")
        assert (row["result"], row["missing"]) == ("not_computable", ["an answer to green_cover in %, not yes"])

    def test_the_latest_of_an_outside_surveyor_before_the_years_end(self, park: Callable[..., Park]) -> None:
        answers = [answer("green_cover", 12.0, on=date(2024, 5, 1)), answer("green_cover", 20.0, role="park_office", on=date(2025, 12, 1)),
                   answer("green_cover", 30.0, on=date(2026, 1, 5))]  # fmt: skip
        row = park(answers=answers).item("green_cover")
        assert (row["value"], row["answered_on"], row["result"]) == (12.0, date(2024, 5, 1), "not_met")

    def test_an_answer_stands_in_where_figures_are_lacking(self, park: Callable[..., Park]) -> None:
        row = park(answers=[answer("water_reuse", 80.0, role="park")]).item("water_reuse")
        assert (row["result"], row["value"], row["state"]) == ("met", 80.0, "self_reported")
        assert row["missing"] == ["metric water_reuse_rate in 2025"]
        assert "stands in" in row["notes"][-1]

    def test_figures_outweigh_an_answer(self, park: Callable[..., Park]) -> None:
        row = park(efficiency=[metric("water_reuse_rate", 60.0)], answers=[answer("water_reuse", 80.0, role="park")]).item("water_reuse")
        assert (row["result"], row["value"]) == ("not_met", 60.0)
        assert "answered 80: the figures count" in row["notes"][-1]

    def test_the_park_says_which_threshold_holds(self, park: Callable[..., Park]) -> None:
        rate = answer("reclaimed_water_reuse", 25.0)
        assert park(answers=[rate]).item("reclaimed_water_reuse")["missing"] == [
            "answer:beijing_tianjin_hebei", "answer:water_short_city"
        ]  # fmt: skip
        south = [rate, answer("beijing_tianjin_hebei", "no"), answer("water_short_city", "yes")]
        row = park(answers=south).item("reclaimed_water_reuse")
        assert (row["result"], row["threshold"]) == ("met", "20")
        north = [rate, answer("beijing_tianjin_hebei", "yes")]
        assert park(answers=north).item("reclaimed_water_reuse")["result"] == "not_met"

    def test_not_applicable(self, park: Callable[..., Park]) -> None:
        row = park(answers=[answer("recycling_industry_share", "not_applicable")]).item("recycling_industry_share")
        assert (row["result"], row["state"]) == ("not_applicable", "not_applicable")


class TestZeroCarbon:
    @pytest.mark.parametrize(
        ("tce", "intensity", "expected"),
        [(300_000, 0.19, "met"), (300_000, 0.21, "not_met"), (1_500_000, 0.29, "met"), (100_000, 0.01, "not_applicable")],
    )
    def test_the_core_indicator_by_size(self, park: Callable[..., Park], tce: float, intensity: float, expected: str) -> None:
        found = park(consumption=[energy(2025, tce)], efficiency=[metric("co2e_per_energy", intensity)])
        row = found.item("carbon_per_energy", "ZERO_CARBON")
        assert (row["result"], row["unit"], row["value"]) == (expected, "tCO2/tce", intensity)

    def test_guides_do_not_decide(self, park: Callable[..., Park]) -> None:
        found = park(consumption=[energy(2025, 300_000)], efficiency=[metric("co2e_per_energy", 0.1)])
        assert (found.whole("ZERO_CARBON")["verdict"], found.whole("ZERO_CARBON")["items_not_computable"]) == ("passed", 5)

    @pytest.mark.parametrize(("year", "threshold"), [(2025, "1"), (2028, "0.7"), (2035, "0.3")])
    def test_a_province_s_own_by_year(self, shipped_standards: Standards, year: int, threshold: str) -> None:
        lists = frames(CHECKLISTS, shipped_standards, {})["checklists"].with_columns(
            is_default=pl.col("checklist_id") == "ZERO_CARBON_HUNAN", origin=pl.lit("park")
        )
        periods = [{"period_type": "calendar_year", "period_start": date(year, 1, 1), "period_end": date(year + 1, 1, 1)}]
        given = {
            "periods": periods,
            "checklists": lists,
            "consumption": [energy(year, 50_000)],
            "efficiency": [metric("co2e_per_energy", 0.8, year)],
        }
        outcome = run(CHECKLISTS, shipped_standards, date(2040, 1, 1), given)
        (row,) = outcome.frames["park_checklist"].to_dicts()
        assert (row["threshold"], row["result"]) == (threshold, "met" if float(threshold) >= 0.8 else "not_met")


class TestWhole:
    def test_the_lists_are_as_published(self, park: Callable[..., Park]) -> None:
        """HJ 274-2015: 32 indicators, 17 of them mandatory, six choice groups. Zero-carbon: one core, five guides."""
        found = park()
        assert found.whole("HJ274")["items"] == 32
        rows = found.outcome.frames["park_checklist"]
        assert rows.filter((pl.col("checklist_id") == "HJ274") & (pl.col("requirement") == "mandatory")).height == 17
        assert rows.filter(pl.col("checklist_id") == "HJ274")["choice_group"].n_unique() == 7
        assert rows.filter(pl.col("checklist_id") == "ZERO_CARBON")["requirement"].value_counts(sort=True).rows() == [
            ("guide", 5),
            ("core", 1),
        ]
        assert "ZERO_CARBON_HUNAN" not in set(rows["checklist_id"]), "a province's list is evaluated where the park chooses it"

    def test_a_park_of_which_nothing_is_known_is_undecided(self, park: Callable[..., Park]) -> None:
        found = park()
        assert found.whole("HJ274")["verdict"] == "undecided"
        rows = found.outcome.frames["park_checklist"]
        open_rows = rows.filter(pl.col("result") == "not_computable")
        assert open_rows.height > 40
        assert open_rows.filter(pl.col("missing").list.len() == 0).is_empty(), "what is not computable says what is missing"
        assert "HJ274 0 of 32 met (undecided)" in found.outcome.message

    def test_shares_per_area_without_weights(self, park: Callable[..., Park]) -> None:
        answers = [answer("monitoring_reports", "yes", "EIP2"), answer("risk_and_climate_plan", "no", "EIP2")]
        found = park(answers=answers)
        area = found.whole("EIP2", "management")
        assert (area["items"], area["items_met"], area["items_not_met"], area["met_share"]) == (5, 1, 1, 0.2)
        assert found.whole("EIP2")["verdict"] == "no_pass_rule"

    def test_only_years_that_are_over(self, shipped_standards: Standards) -> None:
        periods = [*PERIODS, {"period_type": "calendar_year", "period_start": date(2026, 1, 1), "period_end": date(2027, 1, 1)},
                   {"period_type": "rolling_12m", "period_start": date(2024, 7, 1), "period_end": date(2025, 7, 1)}]  # fmt: skip
        outcome = run(CHECKLISTS, shipped_standards, TODAY, {"periods": periods})
        assert set(outcome.frames["park_checklist"]["period_start"]) == {date(2025, 1, 1)}

    def test_no_year_yet(self, shipped_standards: Standards) -> None:
        outcome = run(CHECKLISTS, shipped_standards, TODAY, {})
        assert outcome.message == "no finished year: nothing to judge"
        assert all(frame.is_empty() for frame in outcome.frames.values())

    def test_the_same_whatever_the_order_of_rows(self, shipped_standards: Standards) -> None:
        given = frames(CHECKLISTS, shipped_standards, {"periods": PERIODS, "memberships": MEMBERS, "consumption": [energy(2022, 40), energy(2025, 46)],
                                                       "production": [*all_value_added(2022, 20), *all_value_added(2025, 26)]})  # fmt: skip
        turned = {name: frame.reverse() for name, frame in given.items()}
        assert (
            run(CHECKLISTS, shipped_standards, TODAY, given)
            .frames["park_checklist"]
            .equals(run(CHECKLISTS, shipped_standards, TODAY, turned).frames["park_checklist"])
        )


class TestStandards:
    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("formula", "magic", "HJ274 / energy_elasticity / 10: must be one of metric"),
            ("numerator", "consumption:ALL:happiness", "consumption has no measure happiness"),
            ("numerator", "energy", "must read source:code:measure"),
            ("denominator", None, "is needed by this formula"),
            ("years", None, "a growth needs the years that it spans"),
            ("requirement", "nice", "must be one of mandatory"),
        ],
    )
    def test_items_that_cannot_be_read(self, shipped_standards: Standards, column: str, value: str | None, message: str) -> None:
        given = frames(CHECKLISTS, shipped_standards, {})
        changed = pl.when(pl.col("item_id") == "energy_elasticity").then(pl.lit(value)).otherwise(pl.col(column))
        given["items"] = given["items"].with_columns(changed.cast(given["items"].schema[column]).alias(column))
        with pytest.raises(StandardsError, match=message):
            check_standards(given)

    def test_conditions_that_cannot_be_read(self, shipped_standards: Standards) -> None:
        given = frames(CHECKLISTS, shipped_standards, {})
        given["items"] = given["items"].with_columns(
            numerator=pl.when(pl.col("item_id") == "stable_compliance").then(pl.lit("luck = 0")).otherwise("numerator")
        )
        given["thresholds"] = given["thresholds"].with_columns(
            condition=pl.when(pl.col("item_id") == "carbon_per_energy").then(pl.lit("weather = fine")).otherwise("condition")
        )
        with pytest.raises(StandardsError) as refused:
            check_standards(given)
        said = str(refused.value)
        assert "HJ274 / stable_compliance / 17: knows no luck; there are grade" in said
        assert "knows year, energy_tce, numerator_growth, denominator_growth and answer:<item>, not weather" in said

    def test_an_item_without_threshold(self, shipped_standards: Standards) -> None:
        given = frames(CHECKLISTS, shipped_standards, {})
        given["thresholds"] = given["thresholds"].filter(pl.col("item_id") != "green_cover")
        with pytest.raises(StandardsError, match="HJ274 / green_cover: has no threshold"):
            check_standards(given)

    def test_metrics_that_items_name_exist(self, shipped_standards: Standards) -> None:
        named = frames(CHECKLISTS, shipped_standards, {})["items"]["numerator"].drop_nulls()
        codes = {name.split(":")[1] for name in named if name.startswith("metric:")}
        assert codes <= set(shipped_standards.seed("metrics")["metric_code"])
        items = {
            code
            for name in named
            if name.startswith(("consumption:", "emission:"))
            for part in name.split(" | ")
            for code in part.split(":")[1].split("+")
        }
        assert items - {"ALL"} <= set(shipped_standards.seed("parameters")["parameter_code"])

    def test_no_number_is_called_surer_than_it_is(self, shipped_standards: Standards) -> None:
        thresholds = shipped_standards.seed("checklist_thresholds")
        assert set(thresholds.filter(pl.col("checklist_id") == "HJ274")["verification_status"]) == {"recalled"}
        assert set(thresholds.filter(pl.col("checklist_id") == "EIP2")["verification_status"]) == {"recalled", "unverified"}
        assert set(thresholds.filter(pl.col("checklist_id").str.starts_with("ZERO"))["verification_status"]) == {"secondary_source"}
