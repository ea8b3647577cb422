"""Contracts drafted from sample files: they can be read, they read the file, and what they cannot know is a question."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import yaml

from pipelines.contracts.feed import FeedContract, FormatKind, Label, load_contracts
from pipelines.ingest.drafting.contract import Draft, draft
from pipelines.ingest.normalise import normalise
from pipelines.ingest.readers import Unreadable, read
from pipelines.ingest.references import References
from pipelines.ingest.times import read_periods, time_axis
from pipelines.sample.generate import generate
from tests.ingest.given import PARK, point, references
from tests.realdata import CHECKOUT, realdata

SHIPPED = {contract.feed_id: contract for contract in load_contracts(CHECKOUT / "pipelines" / "feeds")[0]}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sample")
    generate(home, days=12)
    return home / "raw"


@pytest.fixture(scope="module")
def known() -> References:
    return references(point=[])


def understood(drafted: Draft, file: Path, zone: ZoneInfo = PARK) -> tuple[float, timedelta]:
    """Share of the file's rows that the drafted contract places in time, and the commonest distance of their stamps."""
    contract = drafted.contract
    rows = read(file, contract.format, max_bytes=1 << 30).frame
    if contract.time is not None:
        start = time_axis(rows, contract.time, zone, lambda: None).start
    else:
        assert contract.period is not None and contract.period.column is not None
        start = read_periods(rows[contract.period.column], contract.period.pattern, contract.period.length)[0].cast(pl.Datetime("us"))
    steps = start.drop_nulls().unique().sort().diff().drop_nulls()
    return start.is_not_null().sum() / rows.height, steps.mode().sort()[0] if steps.len() else timedelta(0)


# the sample park's files, held against the contracts that people wrote for them


MONTH = timedelta(days=28)
READINGS = sorted(
    feed_id
    for feed_id, contract in SHIPPED.items()
    # Too short a sample has no campaign, logs of frames are no tables, and one figure a month could as well be declared.
    if contract.record == "reading" and feed_id != "e001_voc_campaign" and contract.source.hj212 is None and contract.time.step < MONTH
)


@pytest.mark.parametrize("feed_id", READINGS)
def test_readings_are_drafted_as_people_wrote_them(feed_id: str, raw: Path, known: References) -> None:
    shipped = SHIPPED[feed_id]
    file = next(path for path in sorted(raw.glob(shipped.source.drop)) if "portal" not in path.name)
    drafted = draft(file, known, PARK)
    assert drafted.contract.record == "reading"
    mine, theirs = drafted.contract.format, shipped.format
    assert (mine.kind, mine.header_rows, mine.skip_rows, mine.record_path) == (
        theirs.kind,
        theirs.header_rows,
        theirs.skip_rows,
        theirs.record_path,
    )
    if mine.kind is FormatKind.CSV:
        ascii_only = file.suffix == ".gz" or all(byte < 128 for byte in file.read_bytes())
        assert ascii_only or mine.encoding == theirs.encoding
        assert (mine.separator, mine.decimal) == (theirs.separator or ",", theirs.decimal)
    share, _ = understood(drafted, file)
    assert share > 0.99, drafted.text
    time, written = drafted.contract.time, shipped.time
    if written.first_date is None and mine.header_rows:
        assert time.source_columns == written.source_columns
    if shipped.expects.rows_per_day and shipped.expects.rows_per_day >= 1:
        assert time.step == written.step
    assert feed_id != "utility_electricity" or time.label is Label.END, "24:00 ends a period"


def test_units_parameters_and_flags_come_from_headers_and_words(raw: Path, known: References) -> None:
    text = draft(next(raw.glob("e007_steel_cems/**/*.csv")), known, PARK).text
    content = yaml.safe_load(text)
    values = {value["column"]: value for value in content["values"]}
    assert values["NOx折算(mg/m3)"] | {"point": None} == {
        "column": "NOx折算(mg/m3)", "parameter": "a21002", "statistic": "zs_avg", "unit": "mg/m3", "point": None,
    }  # fmt: skip
    assert values["氧含量(%)"]["parameter"] == "a19001" and values["标干流量(m3/h)"]["unit"] == "m3/h"
    assert content["columns"]["point_id"] == {"column": "排口"}
    assert "'1#烧结机头', '2#热风炉'" in text, "the words that must be registered are named"
    assert content["flags"]["map"]["正常"] == "N"
    assert "# decide: parameter" in text


def test_registered_accounts_are_recognised_by_their_scheme(raw: Path) -> None:
    rows = pl.read_csv(raw / "registers" / "identifier.csv", infer_schema=False).filter(pl.col("scheme") == "grid_account")
    known = references(point=[point("E001-EL")], identifier=rows.select("scheme", "value", "entity_kind", "entity_id").to_dicts())
    drafted = draft(next(raw.glob("utility_electricity/*.csv")), known, PARK)
    assert drafted.contract.columns["point_id"].scheme == "grid_account"


def test_a_meters_register_is_read_at_a_moment(raw: Path, known: References) -> None:
    drafted = draft(raw / "audit_meter_book" / "book.csv", known, PARK)
    assert drafted.contract.time.label is Label.INSTANT
    assert drafted.contract.values.statistic.value == "register" and drafted.contract.values.unit.column == "单位"


@pytest.mark.parametrize(
    "record", ["finding", "measure", "review", "target", "audit_step", "point", "channel", "identifier", "material_offer"]
)
def test_a_file_with_a_records_own_columns_is_that_record(record: str, raw: Path, known: References) -> None:
    """And the draft alone reads it: every row that the written contract accepts."""
    shipped = next(contract for contract in SHIPPED.values() if contract.record == record)
    file = next(iter(sorted(raw.glob(shipped.source.drop))))
    drafted = draft(file, known, PARK)
    assert drafted.contract.record == record
    rows = read(file, drafted.contract.format, max_bytes=1 << 30)
    mine = normalise(rows, drafted.contract, known, PARK)
    theirs = normalise(read(file, shipped.format, max_bytes=1 << 30), shipped, known, PARK)
    assert mine.accepted.equals(theirs.accepted) and mine.rows_read == theirs.rows_read > 0


@pytest.mark.parametrize(
    ("feed_id", "column", "length"),
    [("report_statistics", "报告期", "month"), ("report_park", "年度", "year"), ("report_production", "月份", "month")],
)
def test_months_and_years_of_items_are_declarations(feed_id: str, column: str, length: str, raw: Path, known: References) -> None:
    file = sorted(raw.glob(SHIPPED[feed_id].source.drop))[-1]
    drafted = draft(file, known, PARK)
    contract = drafted.contract
    assert (contract.record, contract.period.column, contract.period.length) == ("self_report", column, length)
    assert understood(drafted, file)[0] == 1.0
    assert "subject_id: …  decide" in drafted.text and any("also needs subject_kind" in note for note in drafted.notes)
    if feed_id != "report_production":
        assert contract.values.item.column == "指标" and contract.values.value.column == "数值"


def test_a_file_of_words_in_chinese_is_drafted_for_the_record_that_is_named(raw: Path, known: References) -> None:
    drafted = draft(raw / "registers" / "equipment.xlsx", known, PARK, record="equipment", feed_id="ledger")
    columns = {name: source.column for name, source in drafted.contract.columns.items()}
    expected = {
        "equipment_id": "设备编号",
        "enterprise_id": "企业编号",
        "process_id": "工序编号",
        "commissioned_on": "投用日期",
        "capacity": "额定能力",
    }
    assert {name: columns.get(name) for name in expected} == expected
    assert drafted.contract.feed_id == "ledger"
    assert "# name: …  decide" in drafted.text and "# valid_from: …  decide" in drafted.text
    assert "设备名称" in drafted.contract.ignore


# files as they come in the wild


WILD = [
    ("epa_cems_al_1995_daily/DLY_1995alQ1.csv", "%m-%d-%Y", timedelta(days=1), ("OP_DATE",)),
    ("memphis_wwtp_scada/live_data_EFF.csv", "%Y-%m-%dT%H:%M:%S", timedelta(minutes=5), ("timestamp",)),
    ("memphis_wwtp_scada/manual_effluent.csv", "%Y-%m-%dT%H:%M:%S", timedelta(hours=1), ("column_1",)),
    ("memphis_wwtp_scada/manual_wetwell.csv", "%Y-%m-%dT%H:%M:%S", timedelta(hours=1), ("column 2",)),
    ("uci_air_quality/AirQualityUCI_comma_iso_time.csv", "%d/%m/%Y %H:%M:%S", timedelta(hours=1), ("Date", "Time")),
    ("uci_air_quality/AirQualityUCI_original_headerless.csv", "%d/%m/%Y %H.%M.%S", timedelta(hours=1), ("column_1", "column_2")),
    ("uci_air_quality/AirQualityUCI_semicolon_nodate.csv", "%H.%M.%S", timedelta(hours=1), ("Time",)),
    ("uci_steel_energy/Steel_industry_data.csv", "%d-%m-%Y %H:%M", timedelta(minutes=15), ("date",)),
    ("uci_water_treatment/water-treatment.data", "D-%d/%m/%y", timedelta(days=1), ("column_1",)),
]


@pytest.mark.parametrize(("name", "pattern", "step", "columns"), WILD, ids=[name for name, *_ in WILD])
def test_published_files_are_placed_in_time(name: str, pattern: str, step: timedelta, columns: tuple[str, ...], known: References) -> None:
    folder, _, file = name.partition("/")
    path = realdata(folder) / file
    drafted = draft(path, known, ZoneInfo("Etc/GMT-1"))
    time = drafted.contract.time
    assert (time.pattern, time.step, tuple(time.source_columns)) == (pattern, step, columns)
    share, found = understood(drafted, path, ZoneInfo("Etc/GMT-1"))
    assert share > 0.98 and found == step


def test_what_a_file_cannot_say_is_asked(known: References) -> None:
    air = realdata("uci_air_quality")
    headerless = draft(air / "AirQualityUCI_original_headerless.csv", known, PARK)
    assert headerless.contract.format.decimal == "," and "the file has no header; name its columns" in headerless.text
    assert "does -200 stand for nothing measured?" in headerless.text
    undated = draft(air / "AirQualityUCI_semicolon_nodate.csv", known, PARK)
    assert "first_date is the date of the first row" in undated.text and undated.contract.time.first_date is not None
    water = draft(realdata("uci_water_treatment") / "water-treatment.data", known, PARK)
    assert "?" in water.contract.format.null_values
    plants = draft(realdata("epa_cems_al_1995_daily") / "DLY_1995alQ1.csv", known, PARK)
    assert plants.contract.columns["point_id"].template == "{FACILITY_NAME}-{UNITID}", "one column does not tell its series apart"
    releases = draft(realdata("epa_tri_illinois") / "2019_il.csv", known, PARK)
    assert (releases.contract.record, releases.contract.period.column) == ("self_report", "1. YEAR")
    without = draft(realdata("uci_gas_turbine") / "gt_2011.csv", known, PARK)
    assert "no column was found that holds times" in without.text


# rules


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_an_ambiguous_date_is_a_question(tmp_path: Path, known: References) -> None:
    file = write(tmp_path / "a.csv", "when,COD\n" + "".join(f"0{n}/0{m}/2026,1{n}\n" for n in range(1, 9) for m in range(1, 9)))
    drafted = draft(file, known, PARK)
    assert drafted.contract.time.pattern == "%d/%m/%Y"
    assert "# decide: every stamp also reads as %m/%d/%Y: is the day or the month first?" in drafted.text
    plain = draft(write(tmp_path / "b.csv", "when,COD\n25/01/2026,1\n26/01/2026,2\n"), known, PARK)
    assert "also reads" not in plain.text


def test_titles_above_the_header_and_a_row_of_units_below_it(tmp_path: Path, known: References) -> None:
    rows = "".join(f"2026-01-01 {hour:02d}:00,{hour}.5,7.{hour % 10}\n" for hour in range(24))
    file = write(tmp_path / "plant_20260101.csv", f"日报表\n\n时间,COD,pH\n,mg/L,\n{rows}", "gb18030")
    drafted = draft(file, known, PARK)
    format_ = drafted.contract.format
    assert (format_.encoding, format_.skip_rows, format_.header_rows) == ("gb18030", 2, 2)
    assert drafted.contract.feed_id == "plant"
    cod = next(value for value in drafted.contract.value_sources if "COD" in value.column)
    assert (cod.parameter.value, cod.unit.value) == ("w01018", "mg/L")


def test_a_draft_is_a_contract_whatever_the_file(tmp_path: Path, known: References) -> None:
    """Headers that would break YAML, no numbers, one row."""
    for number, text in enumerate(
        (
            "\"a: b\",{c},[d],# e,'f'\n2026-01-01 00:00,1,2,3,4\n",
            "x,y\na,b\nc,d\n",
            "only\n1\n2\n",
            "时间;值\n2026-01-01 00:00;1,5\n2026-01-01 01:00;2,5\n",
        )
    ):
        drafted = draft(write(tmp_path / f"f{number}.csv", text), known, PARK)
        assert isinstance(drafted.contract, FeedContract)
        assert FeedContract.model_validate(yaml.safe_load(drafted.text)) == drafted.contract


def test_what_is_no_table_is_refused(raw: Path, tmp_path: Path, known: References) -> None:
    with pytest.raises(Unreadable, match="log of HJ 212 frames, and no table"):
        draft(next(raw.glob("hj212_inlets/**/*.log")), known, PARK)
    with pytest.raises(Unreadable, match="HTML"):
        draft(write(tmp_path / "a.xlsx", "<html><table></table></html>"), known, PARK)
    with pytest.raises(Unreadable, match="PDF"):
        draft(write(tmp_path / "a.csv", "%PDF-1.7"), known, PARK)
