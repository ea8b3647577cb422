"""The answer sheet hangs together: balances close, registers roll over, faults change what they say and nothing else."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.contracts.standards import load_standards
from pipelines.sample import cast, papers, truth
from pipelines.sample.audit import story
from pipelines.sample.faults import FILE_FAULTS, VALUE_FAULTS, Faults
from pipelines.sample.generate import DEFAULT_DAYS, DEFAULT_END, model
from pipelines.sample.monitors import OFF_HABIT, Monitors
from pipelines.sample.rhythm import month_start

FIRST = DEFAULT_END - timedelta(days=DEFAULT_DAYS - 1)


@pytest.fixture(scope="module")
def monitors() -> Monitors:
    return Monitors(model(cast.CORE, FIRST, DEFAULT_END), FIRST, DEFAULT_END)


def _read(home: Path, table: str) -> pl.DataFrame:
    return truth.read(home / "sample_truth", table)


# meters


def test_every_fault_of_the_plan_is_in_the_default_sample(home: Path) -> None:
    planted = set(_read(home, "faults")["fault_id"])
    plan = {fault.fault_id for fault in (*VALUE_FAULTS, *FILE_FAULTS, *OFF_HABIT, *papers.RESTATED, papers.TYPED_WRONG)}
    assert plan | {"stranger", "strange_device", "low_day_mean"} == planted


def test_registers_roll_over_and_survive_the_exchange(monitors: Monitors, home: Path) -> None:
    count, intervals = monitors.registers("E007-EL", "electricity")
    back = np.flatnonzero(np.diff(count) < 0)
    assert len(back) == 1
    assert back[0] // 24 == 11
    assert (intervals > 0).all()
    # The display's difference plus one turn of the drum is the interval.
    turned = (count[back[0] + 1] + 10_000 - count[back[0]]) * 132_000
    assert intervals[back[0]] == pytest.approx(turned, rel=1e-9)

    event = monitors.exchange()
    assert event is not None
    count, intervals = monitors.registers("E008-EL", "electricity")
    at = int((event.at - datetime.combine(FIRST, time())).total_seconds() // 3600)
    old, new = event.final_register - count[at], count[at + 1] - event.initial_register
    assert old > 0
    assert new > 0
    assert intervals[at] == pytest.approx((old + new) * 70_000, rel=1e-9)
    total = monitors.park.electricity_purchased(monitors.park.by_id["E008"])[monitors.park.days.slice(FIRST, DEFAULT_END)].sum()
    assert intervals.sum() == pytest.approx(total, rel=1e-4)


def test_intervals_and_days_of_a_register_agree(home: Path) -> None:
    intervals = _read(home, "meter_intervals").with_columns((pl.col("period_start_utc") + timedelta(hours=8)).dt.date().alias("local_date"))
    daily = intervals.group_by("point_id", "local_date").agg(pl.col("quantity").sum())
    meters = _read(home, "meter_daily").filter((pl.col("register_kind") == "cumulative") & (pl.col("point_id") != "E005-EL-P1"))
    both = daily.join(meters, on=["point_id", "local_date"])
    assert both.height == meters.height
    assert (both["quantity"] - both["quantity_right"]).abs().max() < 1e-3


def test_submeters_leave_an_unmetered_remainder(home: Path) -> None:
    meters = _read(home, "meter_daily").filter((pl.col("item_code") == "electricity") & (pl.col("flow_item") == "purchased"))
    for enterprise in ("E001", "E003", "E005", "E008"):
        own = meters.filter(pl.col("enterprise_id") == enterprise).group_by("role").agg(pl.col("quantity").sum())
        amounts = dict(own.iter_rows())
        assert 0.03 < 1 - amounts["sub"] / amounts["billing"] < 0.5, enterprise


def test_steam_sent_is_steam_received_and_the_towns(home: Path) -> None:
    meters = _read(home, "meter_daily").filter(pl.col("item_code") == "steam_low_pressure")
    consumption = _read(home, "consumption_daily").filter(pl.col("item_code") == "steam_low_pressure")
    sent = consumption.filter(pl.col("flow_item") == "sent").group_by("local_date").agg(pl.col("quantity").sum())
    received = consumption.filter(pl.col("flow_item") == "received").group_by("local_date").agg(pl.col("quantity").sum())
    town = meters.filter(pl.col("receiver_id").is_null()).group_by("local_date").agg(pl.col("quantity").sum().alias("town"))
    days = sent.join(received, on="local_date", suffix="_received").join(town, on="local_date")
    assert days.height == DEFAULT_DAYS
    assert (days["quantity"] - days["quantity_received"] - days["town"]).abs().max() < 1e-6
    assert (days["quantity_received"].sum() > 0.05 * days["quantity"].sum()) and (days["town"] > 0).all()


def test_power_stations_use_what_they_do_not_sell(home: Path) -> None:
    consumption = _read(home, "consumption_daily").filter(pl.col("item_code") == "electricity")
    for enterprise, low, high in (("E009", 0.05, 0.2), ("E011", 0.1, 0.35)):
        parts = dict(
            consumption.filter(pl.col("enterprise_id") == enterprise).group_by("flow_item").agg(pl.col("quantity").sum()).iter_rows()
        )
        assert low < 1 - parts["sent"] / parts["self_produced"] < high


def test_merger_moves_the_meters_owner_on_its_day(home: Path) -> None:
    meters = _read(home, "meter_daily").filter(pl.col("point_id") == "E012-EL").sort("local_date")
    changes = meters.filter(pl.col("enterprise_id") != pl.col("enterprise_id").shift(1))
    assert changes.select("enterprise_id", "local_date").rows() == [("E002", date(2026, 10, 1))]
    points = pl.read_csv(home / "raw" / "registers" / "point.csv", infer_schema=False).filter(pl.col("point_id") == "E012-EL")
    assert points.select("enterprise_id", "valid_from", "valid_to").rows() == [
        ("E012", cast.VALID_SINCE, "2026-10-01"),
        ("E002", "2026-10-01", None),
    ]


# discharge


def test_water_leaves_the_park_through_the_central_plant(monitors: Monitors, home: Path) -> None:
    park = monitors.park
    days = park.days.slice(FIRST, DEFAULT_END)
    indirect = sum(park.discharge(o)[days] for e in park.enterprises for o in e.wastewater if o.discharge_kind == "indirect")
    out = park.discharge(park.outlet("E010-OUT"))[days]
    assert (out > indirect + 10_000).all()  # the town's sewage comes on top
    flows = _read(home, "emission_daily").filter((pl.col("outlet_id") == "E010-OUT") & (pl.col("pollutant_code") == "w01018"))
    assert flows.sort("local_date")["flow_m3"].to_numpy() == pytest.approx(out, rel=1e-4)
    for enterprise in park.enterprises:
        for outlet in enterprise.wastewater:
            if outlet.kind == "final":
                users = park.users(outlet)
                taken = sum(park.water(user)[days].sum() for user in users)
                assert park.discharge(outlet)[days].sum() < taken, outlet.outlet_id


def test_daily_mass_is_concentration_times_flow(home: Path) -> None:
    emission = _read(home, "emission_daily")
    assert (emission["mass_valid_kg"] <= emission["mass_kg"] + 1e-9).all()
    levels = {(o.outlet_id, code): level for e in cast.enterprises(12, 1) for o in e.wastewater for code, level in o.mg_per_l.items()}
    mean = (
        emission.filter(pl.col("outlet_id").str.contains("WW|OUT"))
        .group_by("outlet_id", "pollutant_code")
        .agg(pl.col("mass_kg").sum(), pl.col("flow_m3").sum())
    )
    for outlet, code, mass, flow in mean.iter_rows():
        assert mass / flow * 1000 == pytest.approx(levels[outlet, code], rel=0.15), (outlet, code)


def test_a_boiler_s_gas_and_sulfur_dioxide_are_its_coal_s(home: Path) -> None:
    """Month by month within a tenth and a sixth: what a balance and a monitor of one boiler may differ by."""
    months = (
        _read(home, "fuel_balance")
        .group_by("outlet_id", pl.col("local_date").dt.truncate("1mo"))
        .agg(pl.col("fuel_t", "gas_of_fuel_m3", "so2_of_fuel_kg", "gas_m3", "so2_kg").sum())
    )
    assert set(months["outlet_id"]) == {"E009-STACK-1"}
    assert (months["gas_m3"] / months["gas_of_fuel_m3"] - 1).abs().max() < 0.1
    assert (months["so2_kg"] / months["so2_of_fuel_kg"] - 1).abs().max() < 1 / 6


def test_the_register_says_of_a_scrubber_what_it_removes() -> None:
    said = {(row["enterprise_id"], row.get("treats_parameter")): row.get("actual_efficiency") for row in story().equipment}
    boilers = [one for one in cast.enterprises(12, 1) if one.has_boiler]
    assert [(one.enterprise_id, one.fuel.sulfur_removed) for one in boilers] == [("E009", said["E009", "a21026"])]


def test_stopped_plants_emit_nothing(home: Path) -> None:
    emission = _read(home, "emission_daily")
    for outlet, days in (
        ("E008-STACK-1", [date(2026, 10, day) for day in range(13, 20)]),
        ("E011-STACK-1", [date(2026, 9, day) for day in (22, 23, 24)]),
    ):
        still = emission.filter((pl.col("outlet_id") == outlet) & (pl.col("flow_m3") == 0))
        assert sorted(set(still["local_date"])) == days
        assert still["mass_kg"].max() == 0


def test_measured_and_converted_concentrations_agree(monitors: Monitors) -> None:
    for point in ("E007-STACK-1", "E008-STACK-1", "E009-STACK-1", "E011-STACK-1"):
        reference = monitors.stack_of(point)[1].o2_reference
        oxygen = monitors.true(point, "a19001", FIRST, FIRST)
        measured = monitors.true(point, "a21002", FIRST, FIRST)
        converted = monitors.converted(point, measured, oxygen)
        assert converted == pytest.approx(measured * (21 - reference) / (21 - oxygen), abs=0.006)


# faults


def test_value_faults_change_their_readings_and_no_others(monitors: Monitors) -> None:
    faults = Faults(monitors)
    for fault in VALUE_FAULTS:
        true = monitors.true(fault.point_id, fault.parameter_code, FIRST, DEFAULT_END).ravel()
        sent = faults.sent(fault.feed_id, fault.point_id, fault.parameter_code, FIRST, DEFAULT_END).ravel()
        inside = np.zeros(true.size, dtype=bool)
        inside[fault.first_hour : fault.last_hour] = True
        others = [f for f in VALUE_FAULTS if f is not fault and (f.point_id, f.parameter_code) == (fault.point_id, fault.parameter_code)]
        assert not others
        np.testing.assert_array_equal(true[~inside], sent[~inside])
        changed = ~((true == sent) | (np.isnan(true) & np.isnan(sent)))
        assert changed[inside].mean() > 0.9, fault.fault_id
        without = faults.sent(fault.feed_id, fault.point_id, fault.parameter_code, FIRST, DEFAULT_END, frozenset({fault.fault_id}))
        np.testing.assert_array_equal(without.ravel(), true)


def test_each_kind_of_value_fault_does_what_it_says(home: Path) -> None:
    values = _read(home, "fault_values")
    kinds = {name: values.filter(pl.col("fault_id") == name) for name in values["fault_id"].unique()}
    assert kinds["gap_cod"].height == kinds["gap_cod"]["sent_value"].null_count() == 30
    assert kinds["stuck_cod"]["sent_value"].n_unique() == 1
    assert kinds["stuck_cod"].height == 72
    unit = kinds["unit_w"]
    assert (unit["sent_value"] / unit["true_value"] - 1000).abs().max() < 1e-6
    assert kinds["spike_so2"]["sent_value"].to_list() == [9998.0]
    hugging = kinds["hug_nox"].drop_nulls()
    limit = 150.0
    measured_at_limit = hugging["sent_value"].mean()
    assert hugging["true_value"].mean() > 1.05 * measured_at_limit
    assert (hugging["sent_value"] <= hugging["true_value"]).all()
    assert measured_at_limit < limit * 1.2


def test_converted_values_hug_the_limit_from_below(monitors: Monitors) -> None:
    faults = Faults(monitors)
    fault = next(fault for fault in VALUE_FAULTS if fault.kind == "limit_hugging")
    days = [FIRST + timedelta(days=fault.first_hour // 24), FIRST + timedelta(days=fault.last_hour // 24 - 1)]
    oxygen = monitors.true(fault.point_id, "a19001", *days)
    sent = monitors.converted(fault.point_id, faults.sent(fault.feed_id, fault.point_id, "a21002", *days), oxygen)
    true = monitors.converted(fault.point_id, monitors.true(fault.point_id, "a21002", *days), oxygen)
    limit = monitors.stack_of(fault.point_id)[1].limits["a21002"]
    assert np.nanmax(sent) < limit
    assert np.nanmean(sent > 0.95 * limit) > 0.85
    assert np.nanmean(true > limit) > 0.5


def test_under_reporting_is_where_the_answer_sheet_says(home: Path) -> None:
    declared = _read(home, "declarations").filter(pl.col("true_value") > 0)
    off = declared.filter((pl.col("declared_value") / pl.col("true_value") - 1).abs() > 0.02)
    found = set(off.select("report", "subject_id", "item_code").unique().iter_rows())
    planned = {(fault.report, fault.subject_id, fault.item_code) for fault in (*papers.RESTATED, papers.TYPED_WRONG)}
    rounding = {
        row for row in found - planned if row[2] in ("dry_film", "zinc", "copper", "nickel", "chromic_anhydride", "hydrochloric_acid")
    }
    assert found - rounding == planned
    for fault in papers.RESTATED:
        rows = off.filter((pl.col("report") == fault.report) & (pl.col("subject_id") == fault.subject_id))
        assert rows.height == fault.periods[1] - fault.periods[0]
        assert (rows["declared_value"] / rows["true_value"]).to_list() == pytest.approx([fault.factor] * rows.height, rel=0.01)


def test_36_months_some_late_some_never(home: Path) -> None:
    declared = _read(home, "declarations")
    monthly = declared.filter(pl.col("report") == "report_statistics")
    months = sorted(set(monthly["period_start"]))
    assert months == [month_start(date(2026, 9, 1), -n) for n in range(35, -1, -1)]
    duties = monthly.select("enterprise_id", "period_start", "due_at", "submitted_at").unique()
    assert duties.height == 36 * 12
    late = duties.filter(pl.col("submitted_at") > pl.col("due_at"))
    never = duties.filter(pl.col("submitted_at").is_null())
    assert 0.02 < late.height / duties.height < 0.15
    assert 2 <= never.height <= 0.05 * duties.height
    assert set(declared["report"]) == {report.feed_id for report in papers.REPORTS}


# believable figures: orders of magnitude of such plants


def _yearly(monitors: Monitors, enterprise: str) -> tuple[slice, float]:
    year = monitors.park.days.slice(date(2025, 1, 1), date(2025, 12, 31))
    output = sum(
        monitors.park.output(monitors.park.by_id[enterprise], product.code)[year].sum()
        for product in monitors.park.by_id[enterprise].products
    )
    return year, output


@pytest.mark.parametrize(
    ("enterprise", "what", "low", "high"),
    [
        ("E001", "electricity", 18, 40),  # kWh/m2, boards of both kinds
        ("E002", "electricity", 20, 50),
        ("E007", "electricity", 380, 480),  # kWh/t crude steel
        ("E007", "water", 3.0, 4.1),
        ("E008", "electricity", 50, 70),  # kWh/t clinker
        ("E010", "electricity", 0.3, 0.6),  # kWh/m3 treated
    ],
)
def test_intensities_are_of_the_right_order(monitors: Monitors, enterprise: str, what: str, low: float, high: float) -> None:
    year, output = _yearly(monitors, enterprise)
    amount = getattr(monitors.park, what)(monitors.park.by_id[enterprise])[year].sum()
    assert low < amount / output < high


def test_cement_and_power_burn_believable_coal(monitors: Monitors) -> None:
    year, clinker = _yearly(monitors, "E008")
    coal = monitors.park.materials(monitors.park.by_id["E008"])["bituminous_coal"][year].sum()
    assert 0.13 < coal / clinker < 0.15
    assert 80_000 < monitors.park.coal()[year].sum() < 200_000


def test_platers_figures_fit_the_grades_they_were_chosen_for(monitors: Monitors, home: Path) -> None:
    """Water per area and rinse, metal use and reuse against the electroplating system's thresholds (I, II, III)."""
    thresholds = _thresholds()
    grades = dict(_read(home, "designed_grades").select("enterprise_id", "grade").iter_rows())
    assert sorted(grades.values()) == ["I", "II", "III", "none"]
    for enterprise, grade in grades.items():
        year, rinsed = _yearly(monitors, enterprise)
        one = monitors.park.by_id[enterprise]
        fresh, recycled = monitors.park.water(one)[year].sum(), monitors.park.recycled_water(one)[year].sum()
        reached = [
            _grade(fresh * 1000 / rinsed, thresholds["rinse_water"], lower=True),
            _grade(100 * recycled / (recycled + fresh), thresholds["water_reuse"]),
        ]
        reached += [_grade(100 * metal.utilisation, thresholds[item]) for item, metal in cast.PLATERS[enterprise].metals.items()]
        if grade == "none":
            assert "none" in reached
        else:
            assert set(reached) == {grade}, (enterprise, reached)


def _thresholds() -> dict[str, list[float]]:
    seeds = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
    rows = (
        load_standards(seeds, None)
        .seed("index_thresholds")
        .filter((pl.col("index_system_id") == cast.ELECTROPLATING_SYSTEM) & pl.col("value").is_not_null())
    )
    found: dict[str, list[float]] = {}
    for indicator in (
        "rinse_water",
        "water_reuse",
        "zinc_utilisation",
        "copper_utilisation",
        "nickel_utilisation",
        "decorative_chromium_utilisation",
    ):
        values = {row["grade"]: float(row["value"]) for row in rows.filter(pl.col("indicator_id") == indicator).iter_rows(named=True)}
        found[indicator.removesuffix("_utilisation").replace("decorative_chromium", "chromic_anhydride")] = [
            values[word] for word in ("I", "II", "III")
        ]
    return found


def _grade(value: float, limits: list[float], *, lower: bool = False) -> str:
    for grade, limit in zip(("I", "II", "III"), limits, strict=True):
        if value <= limit if lower else value >= limit:
            return grade
    return "none"


def test_nobody_in_the_sample_could_be_real() -> None:
    for enterprise in cast.enterprises(40, 3):
        assert "Sample" in enterprise.name
    assert papers.credit_code("E001").startswith("91SAMPLE")
