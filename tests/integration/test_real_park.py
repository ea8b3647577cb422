"""The park of real feeds, refreshed once, against answers that were computed independently of this project."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.realdata import REALDATA

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REALDATA.is_dir(), reason=f"real data folder {REALDATA} is absent"),
]
ROOT = Path(__file__).resolve().parents[2]
SHORT_TON_KG = 907.18474
POUND_KG = 0.45359237
MGAL_M3 = 3785.411784


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("real_park")
    assemble = [sys.executable, str(ROOT / "examples/real_park/assemble.py"), "--realdata", str(REALDATA), "--home", str(home)]
    subprocess.run(assemble, check=True, cwd=ROOT)
    park = ROOT / "examples/real_park"
    environment = os.environ | {"PARK_AUDIT_FEEDS": str(park / "feeds"), "PARK_AUDIT_STANDARDS": str(park / "standards")}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "nightly", "--home", str(home)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return home


@pytest.fixture(scope="module")
def published(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home / "published" / "park_audit.duckdb"), read_only=True)


def _rows(published: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[tuple]:
    return published.execute(query, list(parameters)).fetchall()


def _one(published: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> float:
    [(value,)] = _rows(published, query, *parameters)
    return value


def test_nothing_is_lost(published: duckdb.DuckDBPyConnection) -> None:
    wrong = _rows(
        published,
        "select feed_id, path from audit.deliveries where rows_read <> rows_accepted + rows_duplicate + rows_quarantined or rows_read is null",
    )
    assert wrong == []
    refused = {quarantined for (quarantined,) in _rows(published, "select distinct rule from audit.quarantine")}
    assert refused <= {"nonexistent_local_time"}, refused


# ---- the steel mill's meter: interval-end labels whose midnight keeps the old date

STEEL_MONTHS = [126238.29, 91497.34, 80230.41, 78769.80, 79059.28, 65404.64, 81674.41, 68559.43, 57883.07, 84665.65, 86217.61, 59436.78]  # fmt: skip


def test_steel_months(published: duckdb.DuckDBPyConnection) -> None:
    months = _rows(
        published,
        "select quantity from marts.enterprise_consumption_monthly where enterprise_id = 'STEEL' and item_code = 'electricity' "
        "and process_id is null order by month_start_date",
    )
    assert [value for (value,) in months] == pytest.approx(STEEL_MONTHS, abs=0.005)
    assert sum(STEEL_MONTHS) == pytest.approx(959636.71, abs=0.1)


@pytest.mark.parametrize(
    ("day", "kwh"), [("2018-01-01", 351.86), ("2018-01-02", 3950.43), ("2018-01-03", 3561.05), ("2018-01-18", 7353.84)]
)
def test_steel_days(published: duckdb.DuckDBPyConnection, day: str, kwh: float) -> None:
    query = "select value_sum, readings from marts.point_daily where point_id = 'STEEL-E1' and parameter_code = 'electricity' and local_date = ?"
    assert _rows(published, query, day) == [(pytest.approx(kwh, abs=0.005), 96)]


def test_steel_biggest_day_and_co2(published: duckdb.DuckDBPyConnection) -> None:
    query = "select max_by(local_date, value_sum), count(*) from marts.point_daily where point_id = 'STEEL-E1' and parameter_code = 'electricity'"
    [(day, days)] = _rows(published, query)
    assert (str(day), days) == ("2018-01-18", 365)
    co2 = _one(published, "select sum(value_sum) from marts.point_daily where point_id = 'STEEL-E1' and parameter_code = 'a05001'")
    assert co2 == pytest.approx(403_810, abs=1)


# ---- the power plants: short tons, unsorted rows, units that were off


@pytest.mark.parametrize(
    ("pollutant", "tonnes"),
    [
        ("a21026", {"PLANT-26": 50559.349, "PLANT-47": 69769.249, "PLANT-56": 8190.847, "PLANT-7": 7548.763}),
        ("a21002", {"PLANT-26": 16905.317, "PLANT-47": 14550.139, "PLANT-56": 9361.375, "PLANT-7": 1660.566}),
    ],
)
def test_plant_tonnes(published: duckdb.DuckDBPyConnection, pollutant: str, tonnes: dict[str, float]) -> None:
    query = "select enterprise_id, sum(mass_kg) / 1000 from marts.enterprise_emission_annual where pollutant_code = ? group by 1"
    assert dict(_rows(published, query, pollutant)) == {plant: pytest.approx(value, abs=0.001) for plant, value in tonnes.items()}


def test_plant_quarters_and_park(published: duckdb.DuckDBPyConnection) -> None:
    query = "select sum(mass_kg) / 1000 from marts.enterprise_emission_quarterly where pollutant_code = 'a21026' group by quarter_start_date order by quarter_start_date"
    quarters = [value for (value,) in _rows(published, query)]
    assert quarters == pytest.approx([20951.209, 36691.425, 45038.338, 33387.235], abs=0.001)
    park = dict(
        _rows(
            published,
            "select pollutant_code, sum(mass_kg) / 1000 from marts.park_emission_annual where pollutant_code in ('a21026', 'a21002') group by 1",
        )
    )
    assert park == {"a21026": pytest.approx(136068.207, abs=0.001), "a21002": pytest.approx(42477.398, abs=0.001)}
    co2 = _one(published, "select sum(value_sum) / 1000 from marts.point_daily where parameter_code = 'a05001' and point_id like 'CEMS-%'")
    assert co2 == pytest.approx(19478697.2, abs=0.1)


@pytest.mark.parametrize(
    ("pollutant", "deviation"),
    [
        ("a21026", {"PLANT-26": -0.002819, "PLANT-47": -0.002332, "PLANT-56": -0.007290, "PLANT-7": -0.005889}),
        ("a21002", {"PLANT-26": 0.001764, "PLANT-47": -0.001114, "PLANT-56": -0.003251, "PLANT-7": -0.005032}),
    ],
)
def test_rate_times_heat_input_stands_beside_reported_mass(
    published: duckdb.DuckDBPyConnection, pollutant: str, deviation: dict[str, float]
) -> None:
    """Two ways of the same monitors to a year's mass, within a hundredth of each other and not equal; the audit takes what was reported."""
    query = """
        select distinct enterprise_id, enterprise_deviation_from_audit_share from marts.emission_method
        where period_type = 'year' and pollutant_code = ? and method_code = 'rate_heat_input'
    """
    assert dict(_rows(published, query, pollutant)) == {plant: pytest.approx(value, abs=2e-6) for plant, value in deviation.items()}
    # two months of a start have no report and a rate of nothing
    chosen = "select distinct method_code from marts.emission_method where period_type = 'year' and pollutant_code = ? and audit_kg > 0 and enterprise_id like 'PLANT-%'"
    assert _rows(published, chosen, pollutant) == [("reported_mass",)]


def test_plant_units(published: duckdb.DuckDBPyConnection) -> None:
    with (REALDATA / "epa_cems_al_1995_daily/EXPECTED_unit_year.csv").open(encoding="utf-8") as file:
        expected = {f"CEMS-{row['ORISPL_CODE']}-{row['UNITID']}": row for row in csv.DictReader(file)}
    columns = {"a21026": ("so2_tonnes", 1e3), "a21002": ("nox_tonnes", 1e3), "a05001": ("co2_tonnes", 1e3), "gross_load": ("gload_mwh", 1), "operating_time": ("op_hours", 1)}  # fmt: skip
    query = "select point_id, parameter_code, sum(value_sum) from marts.point_daily where point_id like 'CEMS-%' group by 1, 2"
    found = {(point, parameter): value for point, parameter, value in _rows(published, query)}
    assert len(expected) == 14
    for point, row in expected.items():
        for parameter, (column, scale) in columns.items():
            assert found[point, parameter] == pytest.approx(float(row[column]) * scale, rel=2e-7, abs=0.06), (point, parameter)


def test_a_unit_that_is_off_is_stopped_not_missing(published: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*) from marts.point_daily where point_id like 'CEMS-%' and parameter_code = 'a21026' and stopped_share = 1"
    assert _one(published, query) == 767
    query = (
        "select count(*), sum(mass_kg), count(concentration_mean) from marts.enterprise_emission_daily "
        "where enterprise_id like 'PLANT-%' and pollutant_code = 'a21026' and operating_hours = 0"
    )
    [(days, mass, concentrations)] = _rows(published, query)
    assert (days, mass, concentrations) == (767, 0, 0)


# ---- wastewater: a spring hour that never was, an autumn hour that was lost


def test_flow_across_the_spring_gap(published: duckdb.DuckDBPyConnection) -> None:
    mgd = MGAL_M3 / 24
    query = (
        "select sum(value_mean * valid_periods) / sum(valid_periods), min(value_min), max(value_max), sum(valid_periods) "
        "from marts.point_daily where point_id = ? and parameter_code = 'w00000' and source_kind = 'automatic'"
    )
    [(mean, low, high, values)] = _rows(published, query, "WWTP-INF")
    assert mean / mgd == pytest.approx(65.710874, abs=1e-5)
    assert (low / mgd, high / mgd) == (pytest.approx(0.033571, abs=1e-5), pytest.approx(169.171997, abs=1e-5))
    assert values == 17520 - 60
    [(mean, *_)] = _rows(published, query, "WWTP-EFF")
    assert mean / mgd == pytest.approx(60.540418, abs=1e-5)


def test_no_slot_is_missing_across_the_gap(published: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select hour_start_utc from marts.point_hourly where point_id = 'WWTP-INF' and source_kind = 'automatic' "
        "and hour_start_utc between timestamp '2025-03-09 06:00' and timestamp '2025-03-09 10:00' order by 1"
    )
    hours = [hour for (hour,) in _rows(published, query)]
    assert [hour.hour for hour in hours] == [6, 7, 8, 9, 10]


@pytest.mark.parametrize(("point", "mean", "total"), [("WWTP-INF", 97.596574, 35610.550), ("WWTP-EFF", 75.033717, 27377.927)])
def test_hand_typed_flow(published: duckdb.DuckDBPyConnection, point: str, mean: float, total: float) -> None:
    query = (
        "select sum(value_mean * valid_periods), sum(valid_periods) from marts.point_hourly "
        "where point_id = ? and parameter_code = 'w00000' and source_kind = 'manual_entry'"
    )
    [(weighted, hours)] = _rows(published, query, point)
    mgd = MGAL_M3 / 24
    assert weighted / hours / mgd == pytest.approx(mean, abs=1e-5)
    assert weighted / mgd / 24 == pytest.approx(total, abs=0.005)


def test_cod_in_and_out(published: duckdb.DuckDBPyConnection) -> None:
    query = """
        with day as (
            select
                local_date,
                max(value_sum) filter (where point_id = 'MWTP-IN' and parameter_code = 'w00000') as flow_m3,
                max(value_mean) filter (where point_id = 'MWTP-IN' and parameter_code = 'w01018') as cod_in,
                max(value_mean) filter (where point_id = 'MWTP-OUT' and parameter_code = 'w01018') as cod_out
            from marts.point_daily where point_id like 'MWTP-%' group by local_date
        )
        select
            sum(flow_m3), count(flow_m3),
            count(*) filter (where flow_m3 is not null and cod_in is not null and cod_out is not null),
            sum(flow_m3 * cod_in) filter (where cod_out is not null) / 1e6,
            sum(flow_m3 * cod_out) filter (where cod_in is not null) / 1e6
        from day
    """
    [(flow, days, both, cod_in, cod_out)] = _rows(published, query)
    assert (flow, days, both) == (pytest.approx(18_948_323), 509, 488)
    assert (cod_in, cod_out) == (pytest.approx(7256.299, abs=0.001), pytest.approx(1545.053, abs=0.001))


# ---- three spellings, one series


def test_three_spellings_are_one_series(published: duckdb.DuckDBPyConnection) -> None:
    query = """
        select a.parameter_code, count(*), count(b.value_mean), count(c.value_mean),
               max(abs(a.value_mean - b.value_mean)), max(abs(a.value_mean - c.value_mean))
        from marts.point_hourly as a
        left join marts.point_hourly as b
            on a.parameter_code = b.parameter_code and a.hour_start_utc = b.hour_start_utc and b.point_id = 'AIR-1' and b.source_kind = 'platform_copy'
        left join marts.point_hourly as c
            on a.parameter_code = c.parameter_code and a.hour_start_utc = c.hour_start_utc and c.point_id = 'AIR-1' and c.source_kind = 'manual_entry'
        where a.point_id = 'AIR-1' and a.source_kind = 'automatic' and a.value_mean is not null
        group by 1
    """
    rows = {row[0]: row[1:] for row in _rows(published, query)}
    assert set(rows) == {"a21005", "nox_volume_share", "a21004", "a24088", "a01001"}
    for hours, second, third, gap_second, gap_third in rows.values():
        assert hours == second == third
        assert (gap_second, gap_third) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9))


def test_air_known_answers(published: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*), avg(value_mean) from marts.point_hourly where point_id = 'AIR-1' and source_kind = 'automatic' and parameter_code = ? and value_mean is not null"
    # The published counts are of the file whose last row stands twice.
    assert _rows(published, query, "a21005") == [(9357 - 1683, pytest.approx(2.152756, abs=1e-3))]
    assert _rows(published, query, "nox_volume_share") == [(9357 - 1639, pytest.approx(246.899, abs=0.05))]


# ---- the annual inventory: pounds with grams among them


def test_inventory_totals(published: duckdb.DuckDBPyConnection) -> None:
    query = "select year(period_start), medium, sum(value) from marts.self_reported where report_kind = 'inventory' group by 1, 2"
    total = {(year, medium): value for year, medium, value in _rows(published, query)}
    assert total[2019, "air"] == pytest.approx(10_160_971.51, abs=0.01)
    assert total[2019, "water"] == pytest.approx(3_022_794.30, abs=0.01)
    assert total[2019, "air"] + total[2019, "water"] + total[2019, "land"] == pytest.approx(20_985_578.75, abs=0.01)
    assert total[2019, "offsite"] == pytest.approx(20_831_249.22, abs=0.01)
    assert total[2019, "generated"] == pytest.approx(627_731_493.41, abs=0.05)
    for year, kg in ((2019, 41_816_827.97), (2020, 28_349_039.95)):
        assert sum(total[year, medium] for medium in ("air", "water", "land", "offsite")) == pytest.approx(kg, abs=0.05)


def test_inventory_facilities(published: duckdb.DuckDBPyConnection) -> None:
    query = """
        select year(period_start), subject_id,
               coalesce(sum(value) filter (where medium = 'air'), 0), coalesce(sum(value) filter (where medium = 'water'), 0),
               coalesce(sum(value) filter (where medium in ('air', 'water', 'land', 'offsite')), 0),
               coalesce(sum(value) filter (where medium = 'generated'), 0)
        from marts.self_reported where report_kind = 'inventory' group by 1, 2
    """
    found = {row[:2]: row[2:] for row in _rows(published, query)}
    with (REALDATA / "epa_tri_illinois/EXPECTED_facility_year.csv").open(encoding="utf-8") as file:
        expected = {
            (int(row["year"]), row["trifd"]): tuple(float(row[c]) for c in ("air_kg", "water_kg", "total_release_kg", "prod_waste_kg"))
            for row in csv.DictReader(file)
        }
    assert found.keys() == expected.keys()
    wrong = {key: (found[key], want) for key, want in expected.items() if found[key] != pytest.approx(want, abs=0.02, rel=1e-6)}
    assert not wrong, dict(list(wrong.items())[:5])


# ---- what is no time series


def test_a_log_without_time_is_refused(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "_park.yaml").write_text("park_id: REAL\nzone: Asia/Seoul\n", encoding="utf-8")
    (feeds / "gas_turbine.yaml").write_text(
        """
feed_id: gas_turbine
record: reading
owner: desk@park.example
source: {drop: "uci_gas_turbine/gt_*.csv"}
format: {kind: csv, header_rows: 0, columns: [AT, AP, AH, AFDP, GTEP, TIT, TAT, TEY, CDP, CO, NOX]}
source_kind: automatic
values:
  - {column: CO, point: GT-1, parameter: a21005, statistic: avg, unit: mg/m3}
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "feed", "check", "--home", str(tmp_path / "home")],
        cwd=ROOT, env=os.environ | {"PARK_AUDIT_FEEDS": str(feeds)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert "gas_turbine.yaml" in said
    assert "rows that cannot be placed in time are no time series" in said
