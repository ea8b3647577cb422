"""Real feeds through reader and normaliser, against answers that were computed without this project.

Contracts are those of examples/real_park; here only what one file says is asked. Each test skips, by
the data set's name, where it is absent.
"""

import csv
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.contracts.feed import ContractError, FeedContract, load_contracts
from pipelines.ingest.normalise import Parsed, normalise
from pipelines.ingest.readers import read
from pipelines.ingest.references import References
from tests.ingest.given import contract, point, references
from tests.realdata import realdata

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "real_park"
SEOUL = ZoneInfo("Asia/Seoul")


@cache
def contracts() -> dict[str, FeedContract]:
    found, problems = load_contracts(EXAMPLES / "feeds")
    assert not problems
    return {one.feed_id: one for one in found}


@cache
def registered() -> References:
    known = references(point=[])
    for feed_id in ("register_point", "register_channel"):
        one = contracts()[feed_id]
        parsed = normalise(read(EXAMPLES / one.source.drop, one.format, max_bytes=2**30), one, known, SEOUL)
        known.registers[one.record] = parsed.accepted
    return known


def parse(feed_id: str, file: Path, against: References | None = None) -> Parsed:
    one = contracts()[feed_id]
    return normalise(read(file, one.format, max_bytes=2**30), one, against or registered(), SEOUL)


def of(parsed: Parsed, parameter: str) -> pl.DataFrame:
    return parsed.accepted.filter(pl.col("parameter_code") == parameter)


def test_steel_mill_days_and_months_with_their_24_00_labels() -> None:
    parsed = parse("steel_meter", realdata("uci_steel_energy") / "Steel_industry_data.csv")
    energy = of(parsed, "electricity")
    assert (energy.height, parsed.rows_duplicate, parsed.quarantined.height) == (35040, 0, 0)
    assert energy["value"].sum() == pytest.approx(959636.71, abs=0.005)
    months = energy.group_by(pl.col("local_date").dt.month()).agg(pl.col("value").sum().round(2)).sort("local_date")["value"]
    assert months.to_list() == pytest.approx(
        [126238.29, 91497.34, 80230.41, 78769.80, 79059.28, 65404.64, 81674.41, 68559.43, 57883.07, 84665.65, 86217.61, 59436.78], abs=0.006
    )
    days = energy.group_by("local_date").agg(pl.len(), pl.col("value").sum().round(2)).sort("local_date")
    assert days["len"].unique().to_list() == [96]
    assert days["value"].head(3).to_list() == [351.86, 3950.43, 3561.05]
    assert days.sort("value").row(-1) == (date(2018, 1, 18), 96, 7353.84)
    assert set(energy["period_start_utc"].diff().drop_nulls()) == {timedelta(minutes=15)}
    assert of(parsed, "a05001")["value"].sum() == pytest.approx(403810, abs=0.5)
    assert of(parsed, "reactive_electricity_lagging")["value"].sum() == pytest.approx(456759.84, abs=0.005)


def test_three_spellings_of_one_air_series() -> None:
    folder = realdata("uci_air_quality")
    spellings = {
        "air_iso": folder / "AirQualityUCI_comma_iso_time.csv",
        "air_headerless": folder / "AirQualityUCI_original_headerless.csv",
        "air_dateless": folder / "AirQualityUCI_semicolon_nodate.csv",
    }
    series = {}
    for feed_id, file in spellings.items():
        parsed = parse(feed_id, file)
        assert parsed.quarantined.is_empty()
        key = ["point_id", "parameter_code", "period_start_utc", "period_end_utc", "local_date", "value", "unit"]
        series[feed_id] = (
            parsed.accepted.select(pl.col(key)).cast({"point_id": pl.String, "parameter_code": pl.String, "unit": pl.String}).sort(key)
        )
    assert series["air_iso"].equals(series["air_headerless"])
    assert series["air_iso"].equals(series["air_dateless"])
    carbon_monoxide = series["air_iso"].filter(pl.col("parameter_code") == "a21005")["value"]
    assert (carbon_monoxide.len(), carbon_monoxide.mean()) == (9357 - 1683, pytest.approx(2.152750, abs=1e-6))


def test_the_repeated_last_row_of_the_headerless_spelling_is_a_duplicate() -> None:
    """9,358 rows of which the last says the 9,357th again; -200 is no value, however often it is written."""
    values = [{"column": name, "point": "AIR-1", "parameter": code, "statistic": "avg", "unit": unit}
              for name, code, unit in [("CO", "a21005", "mg/m3"), ("NMHC", "a24088", "ug/m3"), ("NOx", "nox_volume_share", "ppb"), ("NO2", "a21004", "ug/m3")]]  # fmt: skip
    one = contracts()["air_headerless"].model_copy(update={"values": contract(values=values).values})
    file = realdata("uci_air_quality") / "AirQualityUCI_original_headerless.csv"
    parsed = normalise(read(file, one.format, max_bytes=2**30), one, registered(), SEOUL)
    assert parsed.source_rows == 9358
    assert parsed.empty_cells == 1683 + 8444 + 1639 + 1642
    assert parsed.rows_duplicate == 3  # in the last row NMHC is -200
    assert of(parsed, "nox_volume_share")["value"].mean() == pytest.approx(246.8967, abs=1e-3)


@pytest.mark.parametrize(
    ("feed_id", "name", "mean_mgd", "empty"),
    [("wwtp_live_inf", "live_data_INF.csv", 65.710874, 60), ("wwtp_live_eff", "live_data_EFF.csv", 60.540418, 60)],
)
def test_flow_across_the_spring_gap(feed_id: str, name: str, mean_mgd: float, empty: int) -> None:
    parsed = parse(feed_id, realdata("memphis_wwtp_scada") / name)
    assert (parsed.accepted.height, parsed.empty_cells, parsed.quarantined.height) == (17520 - empty, empty, 0)
    assert parsed.accepted["value_raw"].mean() == pytest.approx(mean_mgd, abs=1e-6)
    assert parsed.accepted["value"].mean() == pytest.approx(mean_mgd * 3785.411784 / 24, rel=1e-7)


def test_no_slot_is_missing_over_the_spring_gap() -> None:
    one = contracts()["wwtp_live_inf"].model_copy(update={"empty": contract(empty={"means": "missing"}).empty})
    file = realdata("memphis_wwtp_scada") / "live_data_INF.csv"
    parsed = normalise(read(file, one.format, max_bytes=2**30), one, registered(), SEOUL)
    assert set(parsed.accepted["period_start_utc"].diff().drop_nulls()) == {timedelta(minutes=5)}
    assert parsed.accepted["state"].value_counts().sort("state").rows() == [("measured", 17460), ("missing", 60)]


@pytest.mark.parametrize(
    ("feed_id", "name", "mean_mgd", "million_gallons"),
    [
        ("wwtp_manual_influent", "manual_influent.csv", 97.596574, 35610.550),
        ("wwtp_manual_effluent", "manual_effluent.csv", 75.033717, 27377.927),
    ],
)
def test_hourly_flow_typed_by_hand(feed_id: str, name: str, mean_mgd: float, million_gallons: float) -> None:
    parsed = parse(feed_id, realdata("memphis_wwtp_scada") / name)
    assert (parsed.accepted.height, parsed.empty_cells, parsed.quarantined.height) == (8757, 2, 0)
    assert parsed.accepted["value_raw"].mean() == pytest.approx(mean_mgd, abs=1e-6)
    # An hour of m3/h is a m3.
    assert parsed.accepted["value"].sum() == pytest.approx(million_gallons * 3785.411784, rel=1e-7)


def test_power_plants_tonnes_and_the_days_they_stood_still() -> None:
    folder = realdata("epa_cems_al_1995_daily")
    quarters = [parse("plant_cems", file) for file in sorted(folder.glob("DLY_*.csv"))]
    assert [parsed.rows_read for parsed in quarters] == [rows * 8 for rows in (1260, 1274, 1288, 1288)]
    assert all(parsed.quarantined.is_empty() and parsed.rows_duplicate == 0 for parsed in quarters)
    tonnes = [of(parsed, "a21026")["value"].sum() / 1000 for parsed in quarters]
    assert tonnes == pytest.approx([20951.209, 36691.425, 45038.338, 33387.235], abs=0.001)
    year = pl.concat(
        [
            parsed.accepted.cast({"point_id": pl.String, "parameter_code": pl.String, "unit": pl.String, "unit_raw": pl.String})
            for parsed in quarters
        ]
    )
    totals = dict(year.group_by("parameter_code").agg(pl.col("value").sum()).iter_rows())
    assert totals["a21002"] / 1000 == pytest.approx(42477.398, abs=0.001)
    assert totals["a05001"] / 1000 == pytest.approx(19478697.2, abs=0.1)
    assert totals["heat_input"] == pytest.approx(205229513.453 * 1.05505585262, rel=1e-9)
    assert totals["gross_load"] == pytest.approx(20032360)
    sulphur = year.filter(pl.col("parameter_code") == "a21026")
    assert sulphur.filter(pl.col("state") == "stopped").height == 767
    assert sulphur.filter(pl.col("state") == "missing").is_empty()
    with (folder / "EXPECTED_unit_year.csv").open() as expected:
        for row in csv.DictReader(expected):
            of_unit = sulphur.filter(pl.col("point_id") == f"CEMS-{row['ORISPL_CODE']}-{row['UNITID']}")
            assert of_unit.height == int(row["days"])
            assert of_unit["value"].sum() / 1000 == pytest.approx(float(row["so2_tonnes"]), abs=1e-3)


def test_annual_releases_in_kilograms_with_grams_among_the_pounds() -> None:
    folder = realdata("epa_tri_illinois")
    one = contracts()["annual_releases"]
    with (folder / "EXPECTED_facility_year.csv").open() as expected:
        rows = [row for row in csv.DictReader(expected) if row["year"] == "2019"]
    known = references(point=[], enterprise=[{"enterprise_id": row["trifd"], "park_id": "P", "name": "x"} for row in rows])
    parsed = normalise(read(folder / "2019_il.csv", one.format, max_bytes=2**30), one, known, SEOUL)
    # No form of a facility vanishes in another for the same chemical.
    assert (parsed.accepted.height, parsed.rows_duplicate, parsed.quarantined.height) == (3912 * 13, 0, 0)
    assert set(parsed.accepted["unit_raw"]) == {"lb", "g"}
    assert set(parsed.accepted["unit"]) == {"kg"}
    media = dict(parsed.accepted.group_by("medium").agg(pl.col("value").sum()).iter_rows())
    assert media["air"] == pytest.approx(10160971.51, abs=0.01)
    assert media["water"] == pytest.approx(3022794.30, abs=0.01)
    assert media["air"] + media["water"] + media["land"] == pytest.approx(20985578.75, abs=0.01)
    assert media["offsite"] == pytest.approx(20831249.22, abs=0.01)
    assert media["generated"] == pytest.approx(627731493.41, abs=0.01)
    air = dict(parsed.accepted.filter(pl.col("medium") == "air").group_by("subject_id").agg(pl.col("value").sum()).iter_rows())
    for row in rows:
        assert air.get(row["trifd"], 0) == pytest.approx(float(row["air_kg"]), abs=0.002), row["name"]


def test_wastewater_plant_in_and_out() -> None:
    parsed = parse("wwtp_quality", realdata("uci_water_treatment") / "water-treatment.data")
    assert parsed.quarantined.is_empty()
    flow = of(parsed, "w00000").select("local_date", flow="value")
    assert (flow.height, flow["flow"].sum()) == (509, pytest.approx(18948323))
    demand = of(parsed, "w01018").select("point_id", "local_date", "value").pivot("point_id", index="local_date", values="value")
    days = demand.join(flow, on="local_date").drop_nulls()
    assert days.height == 488
    tonnes = days.select(((pl.col("MWTP-IN", "MWTP-OUT")) * pl.col("flow")).sum() / 1e6).row(0)
    assert tonnes == pytest.approx((7256.299, 1545.053), abs=0.001)


def test_a_log_without_times_cannot_be_a_feed_of_readings() -> None:
    """The gas turbine's hours cannot be placed: its contract cannot even be written, and says why."""
    realdata("uci_gas_turbine")
    with pytest.raises(ValueError, match="rows that cannot be placed in time are no time series"):
        contract(
            time=None,
            format={"kind": "csv", "header_rows": 0, "columns": list("abcdefghijk")},
            values=[{"column": "j", "point": "S1", "parameter": "CO", "statistic": "avg", "unit": "mg/m3"}],
        )
    assert issubclass(ContractError, ValueError)


def test_leading_blanks_in_headers_and_commas_in_cells() -> None:
    folder = realdata("camd_sample_2018")
    values = [
        {"column": "Gross Load (MW-h)", "parameter": "gross_load", "statistic": "cou", "unit": "MWh"},
        {"column": "NOx (tons)", "parameter": "a21002", "statistic": "cou", "unit": "short_ton"},
        {"column": "Heat Input (MMBtu)", "parameter": "heat_input", "statistic": "cou", "unit": "mmBtu"},
    ]
    one = contract(
        time={"column": "Year", "pattern": "%Y-%m-%d", "step": "365d", "zone": "America/Chicago"},
        columns={"point_id": {"template": "{Facility ID (ORISPL)}-{Unit ID}"}}, values=values, ignore="rest",
    )  # fmt: skip
    raw = read(folder / "camd_sample_data.csv", one.format, max_bytes=2**30)
    raw.frame = raw.frame.with_columns(pl.col("Year") + "-01-01")  # a feed would deliver a date; the year is the sample's own
    points = raw.frame.select(pl.col("Facility ID (ORISPL)") + "-" + pl.col("Unit ID")).to_series().unique()
    parsed = normalise(raw, one, references(point=[point(name) for name in points]), SEOUL)
    assert parsed.accepted.height + parsed.empty_cells == 101 * 3
    totals = dict(parsed.accepted.group_by("parameter_code").agg(pl.col("value_raw").sum()).iter_rows())
    assert totals["gross_load"] == pytest.approx(93070756.08)
    assert totals["a21002"] == pytest.approx(26727.966)
    assert totals["heat_input"] == pytest.approx(802475451.3)
