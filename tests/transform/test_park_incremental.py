"""An incremental build of the enterprise and park models equals a full rebuild, whichever register, standard or record changed.

Every change has enterprises and dates of its own in the known park, so that one build judges all of them and the
differing rows name the culprit.
"""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.comparison import differing_rows
from tests.transform.harness import Warehouse
from tests.transform.known_park import JANUARY, MARCH, MAY, MODELS, SINCE, TABLES, days, local, meter, month, report, total, waste_line

pytestmark = pytest.mark.slow

INTERMEDIATE = (
    "int_meter_flows_daily", "int_meter_flows_long", "int_consumption_long", "int_long_intervals", "int_self_report_periods", "int_metric_sides",
    "int_outlet_conditions_hourly", "int_outlet_flow_daily", "int_outlet_emission_daily", "int_declared_emission",
    "int_outlet_methods_daily", "int_period_properties", "int_generation_estimates", "int_emission_candidates",
    "int_inlet_daily", "int_pollutant_generation",
    "int_measured_factors", "int_supplier_factors", "int_waste_periods", "int_drainage_ratio_daily", "int_plausibility_channel_days",
    "int_plausibility_outlet_days",
)  # fmt: skip
COMPARED = (*TABLES, *(f"intermediate.{model}" for model in INTERMEDIATE))


def change_registers(park: Warehouse) -> None:
    """One row of every register, with what it moves: shares, owners, receivers, roles, limits, products, membership."""
    park.correct("channel", {"point_id": "GWH-E"}, multiplier=2.0)
    park.correct("allocation", {"source_id": "SHARE-W", "enterprise_id": "SHARE1"}, share=0.6)
    park.correct("allocation", {"source_id": "SHARE-W", "enterprise_id": "SHARE2"}, share=0.4)
    park.withdraw("allocation", {"source_id": "POUR-W", "enterprise_id": "POUR2"})
    park.correct("allocation", {"source_id": "POUR-W", "enterprise_id": "POUR1"}, share=1.0)
    park.correct("flow_link", {"point_id": "SELLER-ST1"}, target_id="BUYER3")
    park.withdraw("flow_link", {"point_id": "SELLER-ST2"})
    park.correct("meter_link", {"point_id": "TREE-SUB1"}, role="check")
    park.correct("meter_link", {"point_id": "VIRTUAL-F"}, formula="+VIRTUAL-A")
    park.correct("point", {"point_id": "BILLED-GAS"}, enterprise_id="UNREAD")
    park.correct("point", {"point_id": "TENMIN-A"}, outlet_id="TENMIN-W")
    park.correct("outlet", {"outlet_id": "WORKS-W"}, discharge_kind="direct", receiving_enterprise_id=None)
    park.correct("outlet", {"outlet_id": "STACK-1"}, standard_id="GB13271-2014-gas")
    park.correct("outlet", {"outlet_id": "BASES-dry0"}, enterprise_id="MASSES")
    park.correct("permit_limit", {"subject_id": "MASSES-Z"}, limit_value=12.0)
    park.withdraw("permit_limit", {"subject_id": "PLANT"})
    park.correct("product", {"product_code": "TWOLINES-STEEL"}, process_id="TWOLINES-P1")
    park.correct("process", {"process_id": "WITHPARTS-P1"}, enterprise_id="KINDS")
    park.correct("enterprise", {"enterprise_id": "JOINS"}, valid_from=date(2023, 1, 1))
    park.correct("enterprise", {"enterprise_id": "IDLE"}, valid_to=date(2023, 1, 3))
    park.load({"enterprise": [{"enterprise_id": "NEWCOMER", **SINCE}]})
    park.correct("flow_link", {"point_id": "CHP-POWER"}, target_id="PLAINUSER")
    park.correct("permit_limit", {"subject_id": "LIMITED", "parameter_code": "w01018"}, limit_value=2.0)
    park.correct("product", {"product_code": "BYMAKER-SLAG"}, product_kind=None)
    park.correct("outlet", {"outlet_id": "PLATER-W"}, standard_id="GB21900-2008-special")
    park.correct("outlet", {"outlet_id": "TAXED-I"}, discharge_kind="direct", receiving_enterprise_id=None)
    park.correct("enterprise", {"enterprise_id": "TREATER"}, park_id="OTHER")
    park.correct("enterprise", {"enterprise_id": "KILN"}, sector_code="C3120")
    park.correct("point", {"point_id": "BURNER-LAB"}, enterprise_id="SAYSHEAT")
    park.correct("process", {"process_id": "FURNACE-P1"}, process_code="boiler")
    park.correct("equipment", {"equipment_id": "BALANCED-FGD"}, actual_efficiency=0.5)
    park.withdraw("channel", {"point_id": "STEAMER-ST", "parameter_code": "enthalpy_steam_low_pressure"})


def change_standards(park: Warehouse) -> None:
    """A park's own factor over part of January, a limit and a metric."""
    provenance = {"version": "1", "source_ref": "the park", "verification_status": "primary_source"}
    park.add_own_standard("factors", {
        "factor_id": "own-grid", "kind": "grid", "item_code": "electricity", "basis": "location", "region": "PARK", "series": "own", "unit_from": "kWh",
        "unit_to": "tCO2e", "value": "0.0009", "derivation": "0.0009", "is_default": "true", "valid_from": "2023-01-02", "valid_to": "2023-01-20", **provenance,
    })  # fmt: skip
    park.add_own_standard("limits", {
        "limit_id": "own:w01018", "standard_id": "GB18918-2002-1A", "standard_name_zh": "园区", "region": "PARK", "medium": "water", "parameter_code": "w01018",
        "limit_kind": "daily_concentration", "limit_value": "45", "unit": "mg/L", "condition": "own", "valid_from": "2024-05-01", **provenance,
    })  # fmt: skip
    park.add_own_standard("metrics", {
        "metric_code": "own_metric", "name": "Own", "name_zh": "自有", "numerator_source": "consumption", "numerator_code": "diesel+raw_coal",
        "numerator_measure": "purchased", "denominator_source": "consumption", "denominator_code": "ALL", "denominator_measure": "co2e_t", "scale": "1",
        "unit": "t/t", "direction": "lower_is_better", "elec_basis": "none", "stage": "input", "valid_from": "2023-01-01", **provenance,
    })  # fmt: skip


def change_account_standards(park: Warehouse) -> None:
    """A row of the park's own beside each standard of the accounts: rates, baselines, layers, groups, rules, another series of grid factors."""
    since = {"valid_from": "2022-01-01", "version": "1", "source_ref": "the park", "verification_status": "primary_source"}
    for seed, row in (
        ("regional_choices", {"topic": "grid_factor", "item_code": "electricity", "region": "CN-JS", "series": "statistic average", **since, "valid_from": "2022-03-10"}),
        ("regional_choices", {"topic": "tax_rate", "region": "CN-SD"}),
        ("tax_rates", {"region": "PARK", "tax_kind": "solid_waste", "subject_code": "general", "rate_cny": "30"}),
        ("tax_rules", {"rule_id": "top-air", "rule_kind": "top_n", "subject_code": "air", "value": "1"}),
        ("pollution_equivalents", {"pollutant_code": "w21001", "medium": "water", "equivalent_class": "water_2", "name_zh": "总氮", "equivalent_kg": "0.8"}),
        ("drainage_baselines", {"standard_id": "GB21900-2008", "product_kind": "multilayer_plating", "drainage_m3_per_unit": "0.3", "product_unit": "m2", "condition": "own"}),
        ("emission_standards", {"standard_id": "GB18918-2002-1A", "layer": "law", "note": "own"}),
        ("item_groups", {"item_group": "fresh_water", "item_code": "softened_water", "position": "5", "note": "own"}),
        ("item_properties", {"parameter_code": "steam_load", "item_code": "steam_low_pressure", "property": "enthalpy", "unit": "t/h", "gj_scale": "1"}),
        ("process_carbon_rules", {"rule_id": "cement-clinker", "sector_code": "C301", "activity": "output", "subject_code": "clinker", "unit": "t", "co2_t_per_unit": "0.5",
                                  "derivation": "0.5", "note": "own"}),
        ("emission_factors", {"factor_id": "own-clinker", "sector_code": "C3011", "activity": "output", "subject_code": "clinker", "unit": "t", "medium": "air",
                              "pollutant_code": "a21026", "kg_per_unit": "0.3", "derivation": "0.3", "note": "own", "valid_from": "2021-01-01"}),
        ("emission_balances", {"balance_id": "so2-raw_coal", "sector_code": "*", "item_code": "raw_coal", "unit": "t", "medium": "air", "pollutant_code": "a21026",
                               "content_parameter": "sulfur_raw_coal", "mass_ratio": "2", "conversion": "0.8", "note": "own", "valid_from": "2021-01-01"}),
        ("method_precedences", {"purpose": "permit", "rank": "1", "method_code": "emission_factor", "valid_from": "2021-01-01"}),
        ("treatment_technologies", {"technology_code": "denitration", "pollutant_code": "a21002", "name": "own", "name_zh": "自有", "removal_efficiency": "0.5",
                                    "running_rate": "1", "valid_from": "2021-01-01"}),
        ("method_parameters", {"method": "cement", "parameter": "reference_strength", "scope": "*", "value": "50", "unit": "MPa", "description": "own"}),
        ("contained_items", {"item_code": "photovoltaic_electricity", "contained_in": "electricity", "note": "own"}),
        ("factors", {"factor_id": "own-heat", "kind": "ghg_per_heat", "item_code": "raw_coal", "basis": "combustion", "region": "PARK", "series": "own", "unit_from": "GJ",
                     "unit_to": "tCO2e", "value": "0.1", "derivation": "0.1", "is_default": "true"}),
    ):  # fmt: skip
        park.add_own_standard(seed, {**since, **row})


def change_records(park: Warehouse) -> None:
    """Readings and declarations that are corrected, taken back, late, or inside what was a bill."""
    at = {"period_start_utc": local(JANUARY)}
    park.correct("reading", {"point_id": "SELLER-ST3", **at}, value=6.0)
    park.withdraw("reading", {"point_id": "TREE-MAIN", **at})
    park.withdraw("reading", {"point_id": "UNREAD-E", "period_start_utc": local(date(2023, 1, 30))})
    park.correct("reading", {"point_id": "DATED-E", "period_start_utc": local(date(2022, 12, 31))}, value=None, state="missing")
    park.load({"reading": [total("MAKER-GRID", "electricity", "kWh", day, 5.0) for day in days(date(2023, 3, 30), 4)]})
    park.correct("reading", {"point_id": "STACK-1", "parameter_code": "a01014", "period_start_utc": local(MAY, 3)}, value=20.0)
    park.correct("reading", {"point_id": "STACK-1", "parameter_code": "a21026", "period_start_utc": local(MAY, 4)}, flag="M")
    park.withdraw("reading", {"point_id": "MASSES-D", "parameter_code": "a21026", "period_start_utc": local(MAY)})
    park.correct("self_report", {"subject_id": "DECLARES", "medium": "purchased", "period_start": date(2023, 4, 1)}, value=99.0)
    park.withdraw("self_report", {"subject_id": "TELLS", "item_code": "a21026", "line_id": "form 2"})
    park.withdraw("self_report", {"subject_id": "TELLS-W", "period_start": date(2024, 4, 1)})
    park.correct("self_report", {"subject_id": "GAPPY-DS", "period_start": date(2023, 2, 1)}, value=12_000.0, state="self_reported")
    park.load({
        "self_report": [
            report("WORKED", "electricity", "purchased", *month(2023, 12), 1e6, "kWh"),
            report("BOARD", "value_added", "none", date(2023, 7, 16), date(2023, 8, 16), 3e6, "CNY"),
            report("OVERDUE", "diesel", "purchased", *month(2023, 3), 4.0, "t", report_kind="audit_form"),
        ]
    })  # fmt: skip
    park.correct("reading", {"point_id": "BURNER-LAB", "period_start_utc": local(MARCH, 24 + 10)}, value=26.0)
    park.correct(
        "reading", {"point_id": "CLINKERED-LAB", "parameter_code": "clinker_strength", "period_start_utc": local(JANUARY, 10)}, value=60.0
    )
    park.correct("reading", {"point_id": "STEAMER-ST", "parameter_code": "steam_pressure", "period_start_utc": local(MARCH)}, value=0.5)
    park.correct("self_report", {"subject_id": "CHP", "item_code": "raw_coal"}, value=900.0)
    park.withdraw("self_report", {"subject_id": "PLAINCHP", "item_code": "raw_coal"})
    park.correct("self_report", {"subject_id": "SAYSHEAT", "item_code": "ncv_raw_coal"}, value=21.0)
    park.correct("self_report", {"subject_id": "GREEN", "item_code": "green_electricity"}, value=12_000.0)
    park.correct("self_report", {"subject_id": "PLATER-MP", "period_start": MARCH, "period_end": date(2022, 3, 2)}, value=300.0)
    park.correct("self_report", {"subject_id": "TAXED-A", "item_code": "a34013"}, value=30_000.0)
    park.correct("waste_movement", {"manifest_id": "M-1", "movement": "transferred"}, quantity_t=8.0)
    park.withdraw("waste_movement", {"manifest_id": "L-9"})
    park.load({"reading": [total("DEAF-S", "a21002", "kg", day, 30.0) for day in days(date(2021, 2, 2), 27)]})
    park.correct(
        "reading", {"point_id": "TREATS-IN", "parameter_code": "w01018", "period_start_utc": local(date(2021, 6, 1), 1)}, value=120.0
    )
    park.correct("self_report", {"subject_id": "BALANCED", "item_code": "sulfur_raw_coal"}, value=0.9)
    park.load({"waste_movement": [waste_line("L-4", "WASTER", "SW07", "generated", date(2022, 4, 3), 3.0, waste_kind="general")]})


def change_long_quantities(park: Warehouse) -> None:
    """A bill that grows into another year, a meter's own day inside a bill, a register read once more inside its gap."""
    park.correct("reading", {"point_id": "BILLED-GAS"}, period_end_utc=local(date(2023, 1, 16), 400 * 24))
    park.load({
        "reading": [
            {**total("UNREAD-E", "electricity", "kWh", date(2023, 1, 25), 1200.0, hours=0), "statistic": "register"},
            {**total("UNREAD-E", "electricity", "kWh", date(2023, 6, 2), 1800.0, hours=0), "statistic": "register"},
        ]
    })  # fmt: skip
    records = meter("LATER-GAS", "BILLED", item="natural_gas")
    park.load({**records, "reading": [total("LATER-GAS", "natural_gas", "m3", date(2023, 5, 10), 600.0, hours=60 * 24)]})
    park.build(*MODELS)
    park.load({"reading": [total("LATER-GAS", "natural_gas", "m3", date(2023, 6, 20) + timedelta(days=day), 9.0) for day in range(2)]})


CHANGES = {
    "registers": (change_registers,),
    "standards": (change_standards, change_account_standards),
    "records": (change_records, change_long_quantities),
}
"""Two builds of everything each: what touches alike is judged together, what would hide another's missing touch apart."""


@pytest.mark.parametrize("changes", CHANGES)
def test_incremental_equals_full(known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse], changes: str) -> None:
    incremental = make_copy(known_park)
    with incremental.connect() as con:
        before = dict(con.execute("select model, change_seq from landing.watermark").fetchall())
    for change in CHANGES[changes]:
        change(incremental)
    full = make_copy(incremental)
    incremental.build(*MODELS)
    full.build(*MODELS, full_refresh=True)
    with incremental.connect() as con:
        after = dict(con.execute("select model, change_seq from landing.watermark").fetchall())
        assert all(after[model] > before[model] for model in before), "a model did not consume the change"
        con.execute(f"attach '{known_park.path}' as untouched (read_only)")
        con.execute(f"attach '{full.path}' as rebuilt (read_only)")
        differing = {table: differing_rows(con, table, f"rebuilt.{table}") for table in COMPARED}
        changed = [table for table in COMPARED if differing_rows(con, table, f"untouched.{table}")]
    assert {table: rows[:6] for table, rows in differing.items() if rows} == {}
    # a change that changes nothing would prove nothing
    assert len(changed) > 5, changed


def test_a_factor_changes_exactly_its_days(known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> None:
    copy = make_copy(known_park)
    change_standards(copy)
    copy.build("park_consumption_daily")
    with copy.connect() as con:
        con.execute(f"attach '{known_park.path}' as before (read_only)")
        changed = con.execute(
            """
            select distinct now.local_date, now.item_code
            from marts.enterprise_consumption_daily as now
            join before.marts.enterprise_consumption_daily as before_it
                on now.enterprise_id = before_it.enterprise_id and now.process_id is not distinct from before_it.process_id
                    and now.item_code = before_it.item_code and now.local_date = before_it.local_date
            where abs(now.co2e_t - before_it.co2e_t) > 1e-9 or now.co2e_factor_id is distinct from before_it.co2e_factor_id
            order by all
            """
        ).fetchall()
        unchanged = con.execute(
            "select count(*) from marts.enterprise_consumption_daily where item_code = 'electricity' "
            "and (local_date < '2023-01-02' or local_date >= '2023-01-20') and co2e_factor_id = 'own-grid'"
        ).fetchone()[0]
    assert {item for _, item in changed} == {"electricity"}
    dates = [day for day, _ in changed]
    assert (min(dates), max(dates), unchanged) == (date(2023, 1, 2), date(2023, 1, 19), 0)


def test_what_only_scores_depend_on_is_consumed_and_rebuilds_nothing(
    known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]
) -> None:
    copy = make_copy(known_park)
    found = {
        "finding_id": "F1", "enterprise_id": "DECLARES", "subject_kind": "enterprise", "subject_id": "DECLARES", "found_on": date(2023, 4, 1),
        "cause_code": "equipment", "status": "open", "description": "steam leaks",
    }  # fmt: skip
    copy.load({
        "finding": [found],
        "measure": [{"measure_id": "M1", "enterprise_id": "DECLARES", "measure_class": "source_reduction", "cost_class": "no_low", "status": "proposed",
                     "proposed_on": date(2023, 4, 2)}],
        "measure_meter": [{"measure_id": "M1", "point_id": "TREE-MAIN", "parameter_code": "electricity", "valid_from": date(2023, 1, 1)}],
        "chemical": [{"enterprise_id": "DECLARES", "substance_code": "7664-41-7", "valid_from": date(2023, 1, 1)}],
    })  # fmt: skip
    changed = copy.correct("finding", {"finding_id": "F1"}, status="closed", found_on=date(2023, 4, 5))
    rows = {table: copy.query(f"select rowid from {table} order by rowid") for table in TABLES}
    copy.build(*MODELS)
    assert {row["change_seq"] for row in copy.query("select change_seq from landing.watermark")} == {changed}
    for touched in ("int_touched_point_dates", "int_touched_enterprise_dates", "int_touched_enterprise_periods"):
        assert copy.value(f"select count(*) from intermediate.{touched}") == 0, touched
    with copy.connect() as con:
        con.execute(f"attach '{known_park.path}' as untouched (read_only)")
        assert {table: differing for table in COMPARED if (differing := differing_rows(con, table, f"untouched.{table}"))} == {}
    assert {table: copy.query(f"select rowid from {table} order by rowid") for table in TABLES} == rows
