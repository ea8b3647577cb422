"""Balances: signed closure, uncertainty, what is missing, plugs, processes, the park, campaigns, and the two books of a delivery."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.balance import BALANCES
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frames, only, own_rows, run

TODAY = date(2026, 1, 20)
YEAR = date(2025, 1, 1)
PERIOD = {"period_type": "calendar_year", "period_start": YEAR, "period_end": date(2026, 1, 1)}
SEED_OF = {"rules": "balance_streams", "criteria": "balance_criteria", "uncertainties": "balance_uncertainties", "parameters": "parameters"}
SHARES = ("measured_share", "substituted_share", "estimated_share", "self_reported_share")


def taken(
    item: str,
    quantity: float | None = None,
    enterprise: str = "E1",
    kind: str = "water",
    unit: str = "m3",
    share: str = "measured_share",
    coverage: float | None = 1.0,
    **parts: Any,
) -> dict:
    """A row of the annual consumption mart; `quantity` is purchased unless parts are given."""
    given = parts if set(parts) & {"purchased", "received", "sent", "stock_increase", "self_produced"} else {"purchased": quantity} | parts
    net = sum(given.get(part) or 0.0 for part in ("purchased", "received", "self_produced")) - sum(
        given.get(part) or 0.0 for part in ("sent", "stock_increase")
    )
    return {
        "enterprise_id": enterprise, "item_code": item, "item_kind": kind, "year_start_date": YEAR, "unit": unit, "quantity": None if quantity is None and not parts else net,
        "gross_quantity": abs(net), share: 1.0, "completeness_share": coverage,
    } | given  # fmt: skip


def flow(
    m3: float | None, outlet: str = "O1", enterprise: str = "E1", pollutant: str = "w01018", mass: float | None = None, **cells: Any
) -> dict:
    return {
        "enterprise_id": enterprise, "outlet_id": outlet, "medium": "water", "pollutant_code": pollutant, "year_start_date": YEAR, "mass_kg": mass,
        "measured_kg": mass, "substituted_kg": 0.0, "estimated_kg": 0.0, "self_reported_kg": 0.0, "flow_m3": m3, "completeness_share": 1.0,
        "counts_in_enterprise_total": True, "counts_in_park_total": True,
    } | cells  # fmt: skip


def said(item: str, medium: str, value: float | None, enterprise: str = "E1", unit: str = "m3", **cells: Any) -> dict:
    return {
        "enterprise_id": enterprise, "item_code": item, "medium": medium, "grain": "year", "period_start": YEAR, "value": value, "unit": unit,
        "days_covered": 365,
    } | cells  # fmt: skip


def found(standards: Standards, **rows: Any) -> dict[str, pl.DataFrame]:
    made = frames(BALANCES, standards, SEED_OF, **({"periods": [PERIOD]} | rows))
    return dict(run(BALANCES, made, TODAY, standards).frames)


def balance(standards: Standards, kind: str = "water", component: str = "water", subject: str = "E1", **rows: Any) -> dict:
    return only(found(standards, **rows)["balance"], subject_id=subject, balance_kind=kind, component=component)


WATER = {
    "consumption_annual": [taken("tap_water", 1000.0)],
    "emission_annual": [flow(700.0), flow(700.0, pollutant="w21003")],
    "declarations": [said("tap_water", "air", 200.0), said("tap_water", "output", 60.0)],
}


class TestWater:
    def test_signed_closure_and_combined_uncertainty(self, shipped_standards: Standards) -> None:
        """In 1000; out 700 + 200 + 60. Meter 2.5 %, outlet flow 5 %, declarations 10 %: √(25² + 35² + 20² + 6²) = 47.81."""
        row = balance(shipped_standards, **WATER)
        assert (row["in_quantity"], row["out_quantity"], row["difference"], row["unit"]) == (1000.0, 960.0, 40.0, "m3")
        assert row["closure"] == pytest.approx(0.04)
        assert row["uncertainty"] == pytest.approx(47.8121, abs=1e-4)
        assert (row["verdict"], row["is_within_uncertainty"], row["missing_streams"], row["closure_limit"]) == ("accepted", True, [], 0.05)
        assert (row["state"], row["enterprise_id"]) == ("self_reported", "E1")
        assert row["measured_share"] == pytest.approx(1700 / 1960)

    def test_the_sign_says_on_which_side_something_is_missing(self, shipped_standards: Standards) -> None:
        more_out = WATER | {"emission_annual": [flow(900.0)]}
        row = balance(shipped_standards, **more_out)
        assert (row["closure"], row["verdict"], row["is_within_uncertainty"]) == (pytest.approx(-0.16), "not_accepted", False)

    @pytest.mark.parametrize(("outlet", "verdict"), [(690.0, "accepted"), (689.0, "not_accepted")])
    def test_the_limit_is_met_at_the_limit(self, shipped_standards: Standards, outlet: float, verdict: str) -> None:
        assert balance(shipped_standards, **WATER | {"emission_annual": [flow(outlet)]})["verdict"] == verdict

    def test_what_nobody_states_is_named_and_not_taken_for_nothing(self, shipped_standards: Standards) -> None:
        row = balance(shipped_standards, **WATER | {"declarations": []})
        assert (row["verdict"], row["state"], row["missing_streams"]) == (
            "incomplete",
            "missing",
            ["evaporation (evaporation) is not stated"],
        )
        assert row["closure"] == pytest.approx(0.3), "what is known is still compared"

    def test_nothing_evaporated_is_a_statement(self, shipped_standards: Standards) -> None:
        row = balance(shipped_standards, **WATER | {"declarations": [said("tap_water", "air", 0.0)], "emission_annual": [flow(960.0)]})
        assert (row["verdict"], row["missing_streams"]) == ("accepted", [])

    def test_an_outlet_of_unknown_flow(self, shipped_standards: Standards) -> None:
        row = balance(shipped_standards, **WATER | {"emission_annual": [flow(700.0), flow(None, outlet="O2", mass=3.0)]})
        assert (row["verdict"], row["missing_streams"]) == ("incomplete", ["waste_water: O2 is not known"])

    def test_a_workshop_outlet_is_not_added_to_the_final_one(self, shipped_standards: Standards) -> None:
        workshop = flow(300.0, outlet="W1", counts_in_enterprise_total=False, counts_in_park_total=False)
        assert balance(shipped_standards, **WATER | {"emission_annual": [flow(700.0), workshop]})["out_quantity"] == 960.0

    def test_a_declared_discharge_stands_where_nobody_measured(self, shipped_standards: Standards) -> None:
        rows = WATER | {"emission_annual": [], "declarations": [*WATER["declarations"], said("wastewater", "water", 710.0)]}
        assert balance(shipped_standards, **rows)["out_quantity"] == 970.0
        both = WATER | {"declarations": [*WATER["declarations"], said("wastewater", "water", 710.0)]}
        assert balance(shipped_standards, **both)["out_quantity"] == 960.0, "the meter speaks, and the declaration is not added"

    def test_a_silent_meter_is_named(self, shipped_standards: Standards) -> None:
        row = balance(shipped_standards, **WATER | {"consumption_annual": [taken("tap_water", None)]})
        assert (row["in_quantity"], row["closure"], row["verdict"]) == (None, None, "incomplete")
        assert row["missing_streams"] == ["supply (supply) is not stated", "supply: tap_water is not known"]

    def test_what_covers_too_little_of_the_period(self, shipped_standards: Standards) -> None:
        row = balance(shipped_standards, **WATER | {"emission_annual": [flow(700.0, completeness_share=0.6)]})
        assert (row["verdict"], row["missing_streams"]) == ("incomplete", ["waste_water: O1 covers 60 % of the period"])

    def test_steam_and_stocks_count_as_water(self, shipped_standards: Standards) -> None:
        steam = taken("steam_low_pressure", kind="energy", unit="t", received=100.0, sent=30.0)
        row = balance(
            shipped_standards, **WATER | {"consumption_annual": [taken("tap_water", purchased=1000.0, stock_increase=50.0), steam]}
        )
        assert (row["in_quantity"], row["out_quantity"]) == (1100.0, 960.0 + 50.0 + 30.0)

    def test_without_water_there_is_nothing_to_balance(self, shipped_standards: Standards) -> None:
        assert found(shipped_standards, emission_annual=[flow(700.0)])["balance"].is_empty()

    def test_a_plug_is_shown_and_closes_nothing(self, shipped_standards: Standards) -> None:
        plug = said("tap_water", "land", 40.0, method_code="by_difference")
        tables = found(shipped_standards, **WATER | {"declarations": [*WATER["declarations"], plug]})
        row = only(tables["balance"])
        assert (row["closure"], row["plug_quantity"]) == (pytest.approx(0.04), 40.0)
        stream = only(tables["balance_stream"], stream_id="seepage")
        assert (stream["is_plug"], stream["amount"], stream["side"]) == (True, 40.0, "out")

    def test_a_plug_does_not_state_a_stream(self, shipped_standards: Standards) -> None:
        plug = said("tap_water", "air", 240.0, method_code="plug")
        row = balance(shipped_standards, **WATER | {"declarations": [plug]})
        assert (row["verdict"], row["missing_streams"], row["plug_quantity"]) == (
            "incomplete",
            ["evaporation (evaporation) is not stated"],
            240.0,
        )

    def test_rolling_months_are_summed_and_counted(self, shipped_standards: Standards) -> None:
        months = [date(2025, number, 1) for number in range(1, 13)]
        rolling = {"period_type": "rolling_12m", "period_start": YEAR, "period_end": date(2026, 1, 1)}

        def monthly(row: dict, on: date) -> dict:
            return {name: value for name, value in row.items() if name != "year_start_date"} | {"month_start_date": on}

        rows = {
            "periods": [rolling],
            "consumption_monthly": [monthly(taken("tap_water", 100.0), on) for on in months],
            "emission_monthly": [monthly(flow(70.0), on) for on in months[:6]],
            "declarations": [said("tap_water", "air", 20.0, grain="month", period_start=on, days_covered=30) for on in months],
        }
        row = balance(shipped_standards, **rows)
        assert (row["in_quantity"], row["out_quantity"]) == (1200.0, 6 * 70.0 + 12 * 20.0)
        assert row["missing_streams"] == ["waste_water: O1 covers 50 % of the period"]


class TestMaterial:
    NICKEL = (
        said("nickel", "output", 9.0, unit="t"), said("nickel", "offsite", 0.85, unit="t"), said("nickel", "recycled", 0.1, unit="t"),
    )  # fmt: skip

    def rows(self, discharged: float = 30.0) -> dict[str, Any]:
        return {
            "consumption_annual": [taken("nickel", 10.0, kind="material", unit="t")],
            "emission_annual": [flow(5000.0, pollutant="w20121", mass=discharged)],
            "declarations": list(self.NICKEL),
        }

    def test_a_toxic_metal_has_the_tighter_limit(self, shipped_standards: Standards) -> None:
        row = balance(shipped_standards, "material", "nickel", **self.rows())
        assert (row["in_quantity"], row["out_quantity"]) == (10.0, pytest.approx(9.98))
        assert (row["component_class"], row["closure_limit"], row["verdict"]) == ("toxic_or_precious", 0.02, "accepted")
        loose = self.rows() | {"declarations": [said("nickel", "output", 8.7, unit="t"), *self.NICKEL[1:]]}
        assert balance(shipped_standards, "material", "nickel", **loose)["verdict"] == "not_accepted"

    def test_chromium_is_counted_as_chromium(self, shipped_standards: Standards) -> None:
        rows = {"consumption_annual": [taken("chromic_anhydride", 100.0, kind="material", unit="t")]}
        row = balance(shipped_standards, "material", "chromium", **rows)
        assert row["in_quantity"] == pytest.approx(52.0)
        assert row["missing_streams"] == [
            "product (product) is not stated", "solid_waste (solid_waste) is not stated", "waste_water (waste_water) is not stated",
        ]  # fmt: skip

    def test_a_figure_in_a_unit_that_is_no_mass_is_not_added(self, shipped_standards: Standards) -> None:
        process = {"process_id": "P1"}
        rows = {
            "consumption_annual": [taken("limestone", 5.0, kind="material", unit="t", **process), taken("dry_film", 900.0, kind="material", unit="m2", **process)],
            "production_annual": [{"enterprise_id": "E1", "process_id": "P1", "product_code": "X", "year_start_date": YEAR, "quantity": 4.0, "unit": "t", "state": "measured"}],
        }  # fmt: skip
        row = balance(shipped_standards, "material", "total_mass", "P1", **rows)
        assert row["in_quantity"] == 5.0
        assert "supply: dry_film is counted in m2" in row["missing_streams"]
        assert row["subject_kind"] == "process"


class TestEnergy:
    def rows(self, used: float, **more: Any) -> dict[str, Any]:
        supply = taken("electricity", 1000.0, kind="energy", unit="kWh", energy_tce_calorific=0.1229)
        parts = taken("electricity", used, kind="energy", unit="kWh", process_id="P1", energy_tce_calorific=used * 0.0001229)
        return {"consumption_annual": [supply, parts, *more.get("consumption", [])]}

    def test_what_sub_meters_explain(self, shipped_standards: Standards) -> None:
        row = balance(shipped_standards, "energy", "electricity", **self.rows(970.0))
        assert (row["closure"], row["verdict"], row["unit"]) == (pytest.approx(0.03), "accepted", "kWh")
        assert row["uncertainty"] == pytest.approx((20.0**2 + 19.4**2) ** 0.5)
        assert balance(shipped_standards, "energy", "all_energy", **self.rows(970.0))["unit"] == "tce"

    def test_without_sub_meters_there_is_no_balance(self, shipped_standards: Standards) -> None:
        rows = self.rows(970.0)
        assert found(shipped_standards, consumption_annual=rows["consumption_annual"][:1])["balance"].is_empty()

    def test_an_item_that_no_sub_meter_explains_is_named(self, shipped_standards: Standards) -> None:
        coke = taken("coke", 5.0, kind="energy", unit="t", energy_tce_calorific=4.857)
        row = balance(shipped_standards, "energy", "all_energy", **self.rows(970.0, consumption=[coke]))
        assert (row["verdict"], row["missing_streams"]) == ("incomplete", ["use_by_processes: coke is not stated"])


class TestPark:
    def test_what_members_lack_the_park_lacks(self, shipped_standards: Standards) -> None:
        rows = WATER | {
            "consumption_annual": [*WATER["consumption_annual"], taken("tap_water", 500.0, "E2")],
            "park_consumption_annual": [{name: value for name, value in taken("tap_water", 1500.0).items() if name != "enterprise_id"}],
            "emission_annual": [flow(700.0), flow(480.0, "O2", "E2", counts_in_park_total=False)],
        }
        row = balance(shipped_standards, subject="P", **rows)
        assert (row["subject_kind"], row["in_quantity"], row["out_quantity"]) == ("park", 1500.0, 700.0 + 260.0)
        assert (row["verdict"], row["missing_streams"]) == ("incomplete", ["E2: evaporation (evaporation) is not stated"])

    def test_the_park_s_own_network(self, shipped_standards: Standards) -> None:
        own = taken("electricity", enterprise="-", kind="energy", unit="kWh", purchased=1000.0, sent=930.0)
        row = balance(shipped_standards, "energy", "electricity", "P", consumption_annual=[own])
        assert (row["closure"], row["verdict"], row["missing_streams"]) == (pytest.approx(0.07), "not_accepted", [])


class TestUncertainty:
    def test_parts_of_one_figure_err_together_and_streams_apart(self, shipped_standards: Standards) -> None:
        half = taken("tap_water", 1000.0, measured_share=0.5, substituted_share=0.5)
        tables = found(shipped_standards, **WATER | {"consumption_annual": [half]})
        stream = only(tables["balance_stream"], stream_id="supply", measure="purchased")
        assert stream["uncertainty"] == pytest.approx(1000 * (0.5 * 0.025 + 0.5 * 0.3))
        assert (stream["state"], stream["measured_share"]) == ("substituted", 0.5)

    def test_a_park_s_own_row_stands_for_the_shipped_one(self, shipped_standards: Standards) -> None:
        own = own_rows(
            shipped_standards, "balance_uncertainties",
            {"source": "consumption", "item_kind": "water", "item_code": "tap_water", "state": "measured", "relative_uncertainty": "0.01"},
        )  # fmt: skip
        assert only(found(own, **WATER)["balance_stream"], stream_id="supply", measure="purchased")["uncertainty"] == pytest.approx(10.0)

    @settings(max_examples=12, deadline=None)
    @given(supply=st.floats(1, 1e6), outlet=st.floats(0, 1e6), evaporated=st.floats(0, 1e6), scale=st.sampled_from([0.001, 7.0, 1e4]))
    def test_closure_does_not_depend_on_the_size_and_answers_the_streams(
        self, shipped_standards: Standards, supply: float, outlet: float, evaporated: float, scale: float
    ) -> None:
        def at(size: float) -> dict:
            return balance(
                shipped_standards, consumption_annual=[taken("tap_water", supply * size)], emission_annual=[flow(outlet * size)],
                declarations=[said("tap_water", "air", evaporated * size)],
            )  # fmt: skip

        small, large = at(1.0), at(scale)
        assert small["closure"] == pytest.approx((supply - outlet - evaporated) / supply, rel=1e-9, abs=1e-9)
        assert large["closure"] == pytest.approx(small["closure"], rel=1e-9, abs=1e-9)
        assert large["closure_uncertainty"] == pytest.approx(small["closure_uncertainty"], rel=1e-9)
        largest = max(0.025 * supply, 0.05 * outlet, 0.1 * evaporated)
        assert largest * (1 - 1e-9) <= small["uncertainty"] <= 3**0.5 * largest * (1 + 1e-9)


def figure(
    measure: str,
    quantity: float,
    item: str = "copper",
    kind: str = "material",
    unit: str = "t",
    source: str = "consumption",
    basis: str = "days",
    counted: int = 3,
) -> dict:
    return {
        "campaign_id": "C1", "source": source, "item_code": item, "item_kind": kind, "measure": measure, "unit": unit, "quantity": quantity,
        "measured_share": 1.0, "substituted_share": 0.0, "estimated_share": 0.0, "self_reported_share": 0.0, "basis": basis, "counted": counted,
    }  # fmt: skip


def form(item: str, medium: str, value: float, unit: str = "t", end: date = date(2025, 6, 4), **cells: Any) -> dict:
    return {
        "subject_kind": "process", "subject_id": "P1", "enterprise_id": "E1", "item_code": item, "medium": medium, "period_start": date(2025, 6, 1),
        "period_end": end, "report_kind": "audit_form", "value": value, "unit": unit, "state": "self_reported",
    } | cells  # fmt: skip


class TestCampaign:
    CAMPAIGN = (
        {"campaign_id": "C1", "subject_kind": "process", "subject_id": "P1", "enterprise_id": "E1", "starts_on": date(2025, 6, 1), "ends_on": date(2025, 6, 4)},
    )  # fmt: skip
    LINES = (form("copper", "output", 9.4), form("copper", "offsite", 0.5), form("copper", "recycled", 0.0))

    def copper(self, standards: Standards, figures: list[dict], reports: tuple[dict, ...] = LINES, days: int = 3) -> dict:
        window = self.CAMPAIGN[0] | {"ends_on": date(2025, 6, 1 + days)}
        lines = [line | {"period_end": window["ends_on"]} for line in reports]
        return balance(standards, "material", "copper", "C1", campaigns=[window], campaign_figures=figures, reports=lines)

    def test_72_hours_of_days(self, shipped_standards: Standards) -> None:
        figures = [figure("quantity", 10.0), figure("mass_kg", 50.0, "w20122", "pollutant", "kg", "emission_water")]
        row = self.copper(shipped_standards, figures)
        assert (row["period_type"], row["period_start"], row["period_end"], row["hours"]) == (
            "campaign",
            date(2025, 6, 1),
            date(2025, 6, 4),
            72.0,
        )
        assert (row["in_quantity"], row["out_quantity"], row["verdict"]) == (10.0, pytest.approx(9.95), "accepted")

    def test_two_days_are_too_short(self, shipped_standards: Standards) -> None:
        figures = [figure("quantity", 10.0, counted=2), figure("mass_kg", 50.0, "w20122", "pollutant", "kg", "emission_water", counted=2)]
        row = self.copper(shipped_standards, figures, days=2)
        assert (row["verdict"], row["hours"], row["batches"]) == ("too_short", 48.0, None)

    @pytest.mark.parametrize(("batches", "verdict"), [(3, "accepted"), (2, "too_short")])
    def test_three_batches_do_whatever_the_hours(self, shipped_standards: Standards, batches: int, verdict: str) -> None:
        figures = [
            figure("quantity", 4.0, counted=1),
            figure("purchased", 11.0, basis="batches", counted=batches),
            figure("sent", 1.0, basis="batches", counted=batches),
            figure("mass_kg", 50.0, "w20122", "pollutant", "kg", "emission_water", counted=1),
        ]
        row = self.copper(shipped_standards, figures, days=1)
        assert row["in_quantity"] == 10.0, "the batches whole, and not what the calendar cuts of them"
        assert (row["verdict"], row["batches"], row["hours"]) == (verdict, batches, 24.0)

    def test_days_without_figures_are_named(self, shipped_standards: Standards) -> None:
        figures = [figure("quantity", 10.0, counted=2), figure("mass_kg", 50.0, "w20122", "pollutant", "kg", "emission_water")]
        assert self.copper(shipped_standards, figures)["missing_streams"] == ["supply: copper covers 67 % of the period"]

    def test_a_form_of_other_days_is_of_another_campaign(self, shipped_standards: Standards) -> None:
        lines = tuple(form(line["item_code"], line["medium"], line["value"]) | {"period_start": date(2025, 5, 1)} for line in self.LINES)
        row = self.copper(shipped_standards, [figure("quantity", 10.0)], lines)
        assert row["out_quantity"] is None
        assert row["verdict"] == "incomplete"


class TestBooks:
    def delivery(self, sent: float, received: float, month: int = 3, **cells: Any) -> dict:
        return {
            "month_start_date": date(2025, month, 1), "elimination_kind": "internal_transfer", "from_enterprise_id": "E9", "to_enterprise_id": "E1",
            "source_id": "M1", "item_code": "steam_low_pressure", "unit": "t", "sent": sent, "received": received,
        } | cells  # fmt: skip

    @pytest.mark.parametrize(("received", "verdict"), [(1000.0, "one_book"), (990.0, "agree"), (960.0, "differ"), (1040.0, "differ")])
    def test_meters_of_sender_and_receiver(self, shipped_standards: Standards, received: float, verdict: str) -> None:
        """Two steam meters of 2.5 % each: 1000 and 990 differ by less than √(25² + 24.75²) = 35.2."""
        row = only(
            found(shipped_standards, eliminations=[self.delivery(400.0, received - 600.0), self.delivery(600.0, 600.0, 4)])[
                "transfer_balance"
            ]
        )
        assert (row["books"], row["verdict"], row["sent"]) == ("metered", verdict, 1000.0)
        if verdict == "differ":
            assert row["difference_share"] == pytest.approx((1000.0 - received) / 1000.0)

    def test_other_eliminations_are_no_deliveries(self, shipped_standards: Standards) -> None:
        assert found(shipped_standards, eliminations=[self.delivery(1.0, 2.0, elimination_kind="indirect_discharge")])[
            "transfer_balance"
        ].is_empty()

    def test_manifests(self, shipped_standards: Standards) -> None:
        line = {
            "manifest_id": "M1", "line_id": "-", "enterprise_id": "E1", "waste_code": "336-054-17", "waste_kind": "hazardous", "movement": "transferred",
            "moved_on": date(2025, 3, 1), "quantity_t": 10.0, "receiver_id": "E8", "received_t": 8.0, "state": "self_reported",
        }  # fmt: skip
        rows = [
            line,
            line | {"manifest_id": "M2", "received_t": None, "quantity_t": 4.0},
            line | {"manifest_id": "M3", "receiver_id": None},
        ]
        row = only(found(shipped_standards, waste=rows)["transfer_balance"])
        assert (row["books"], row["sent"], row["received"], row["unconfirmed"], row["verdict"]) == ("manifest", 10.0, 8.0, 4.0, "differ")

    @pytest.mark.parametrize(("received", "verdict"), [(980.0, "agree"), (1300.0, "differ"), (400.0, "not_comparable")])
    def test_declarations_of_registered_senders_and_receivers(self, shipped_standards: Standards, received: float, verdict: str) -> None:
        rows = {
            "declarations": [
                said("steam_low_pressure", "sent", 1000.0, "E9", "t"), said("steam_low_pressure", "received", received, "E1", "t"),
                said("steam_low_pressure", "received", 5000.0, "STRANGER", "t"),
            ],
            "flow_links": [{"point_id": "M1", "target_kind": "enterprise", "target_id": "E1", "medium": "steam_low_pressure"}],
            "points": [{"point_id": "M1", "enterprise_id": "E9"}],
        }  # fmt: skip
        row = only(found(shipped_standards, **rows)["transfer_balance"])
        assert (row["books"], row["sent"], row["received"], row["verdict"]) == ("declared", 1000.0, received, verdict)


def test_nothing_known_gives_nothing(shipped_standards: Standards) -> None:
    made = frames(BALANCES, shipped_standards, SEED_OF)
    outcome = run(BALANCES, made, TODAY, shipped_standards)
    assert all(table.is_empty() for table in outcome.frames.values())
    assert outcome.message == "0 balances: nothing to balance"
