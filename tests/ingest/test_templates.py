"""Forms for people: every record type has one, and what is filled in comes out of the reader as it was filled in."""

import io
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.records import COUNT, DATE, INSTANT, NUMBER, RECORD_TYPES, Column, RecordType
from pipelines.ingest.contract_check import check
from pipelines.ingest.normalise import Parsed, normalise
from pipelines.ingest.readers import read
from pipelines.ingest.references import References
from pipelines.ingest.templates import column_zh, contract_text, form_columns, record_zh, template, word_zh
from tests.ingest.given import PARK, point, references, refused, standards

FORMS = [record for record in RECORD_TYPES.values() if record.name != "reading"]
IDS = {
    "park": "P", "enterprise": "E1", "process": "E1-P1", "product": "PCB-2", "outlet": "E1-DA001", "point": "S1", "audit_round": "R1",
    "parameter": "electricity", "material": "336-054-17", "metric": "energy_per_output_value",
}  # fmt: skip
UNITS = {"parameter": "kWh", "material": "t", "metric": "tce/10^4 CNY"}
ENDS = ("valid_to", "ended_on", "period_end", "baseline_end")
BY_RULE = {"line_id": "-", "parent_point_id": "-", "state": "self_reported"}


@pytest.fixture(scope="module")
def registered() -> References:
    return references(
        point=[point("S1")],
        park=[{"park_id": "P", "name": "Park"}],
        enterprise=[{"enterprise_id": "E1", "park_id": "P", "name": "One"}],
        process=[{"process_id": "E1-P1", "enterprise_id": "E1", "name": "Line"}],
        product=[{"enterprise_id": "E1", "product_code": "PCB-2", "name": "Board", "unit": "m2"}],
        outlet=[
            {"outlet_id": "E1-DA001", "enterprise_id": "E1", "name": "S", "medium": "air", "kind": "stack", "discharge_kind": "direct"}
        ],
        audit_round=[{"round_id": "R1", "enterprise_id": "E1", "kind": "mandatory"}],
    )


def filled(record: RecordType, number: int, *, only_required: bool = False) -> dict[str, Any]:
    """A row of the form; rows of different numbers have different keys, and values of every kind that the column allows."""
    row: dict[str, Any] = {}
    for header, column in form_columns(record).items():
        if only_required and not column.required:
            continue
        row[header] = _value(record, column, row, number)
    return row


def _value(record: RecordType, column: Column, row: dict[str, Any], number: int) -> Any:
    if column.allowed:
        if any(other.names == column.name for other in record.columns):  # the kind of an entity that must be registered
            return "enterprise" if "enterprise" in column.allowed else "outlet" if "outlet" in column.allowed else column.allowed[0]
        if column.name == "limit_kind":  # a year's mass is no concentration
            return column.allowed[number % 2]
        return "purchased" if (record.name, column.name) == ("self_report", "medium") else column.allowed[number % len(column.allowed)]
    if column.names is not None:
        if record.name == "permit_limit" and column.names == "parameter":
            return "a21026"
        return IDS[row.get(column.names, column.names)]
    if column.name == "unit":
        if record.quantity is None:
            return "kWh" if record.name == "self_report" else "t"
        return "mg/m3" if record.name == "permit_limit" else UNITS[record.by_name[record.quantity.about].names]
    if column.dtype == DATE:
        return date(2026, 1, 5) + timedelta(days=number + (40 if column.name in ENDS else 0))
    if column.dtype == INSTANT:
        return datetime(2026, 1, 5, 8, 30, number)
    if column.dtype == NUMBER:
        return 0.1 + number
    if column.dtype == COUNT:
        return 2026 + number
    return f"{column.name} {number} 文字" if not column.name.endswith("_id") else f"{column.name}-00{number}"


def read_form(record: RecordType, rows: list[dict], known: References, folder: Path) -> tuple[Parsed, FeedContract]:
    contract = FeedContract.model_validate(yaml.safe_load(contract_text(record, f"form_{record.name}", "desk@park.example")))
    path = folder / "form.xlsx"
    path.write_bytes(template(record, standards(), rows))
    return normalise(read(path, contract.format, max_bytes=1 << 24), contract, known, PARK), contract


@pytest.mark.parametrize("record", FORMS, ids=lambda record: record.name)
def test_a_filled_form_comes_back_as_it_was_filled_in(record: RecordType, registered: References, tmp_path: Path) -> None:
    rows = [filled(record, number) for number in range(3)]
    rows.append(filled(record, 3, only_required=True))
    parsed, contract = read_form(record, rows, registered, tmp_path)
    assert refused(parsed) == [], parsed.quarantined["reason"].to_list()
    assert (parsed.warnings, parsed.rows_duplicate, parsed.empty_cells) == ([], 0, 0)
    assert [str(problem) for problem in check([contract], registered)] == []
    headers = {column.name: header for header, column in form_columns(record).items()}
    expected = []
    for number, row in enumerate(rows, start=4):
        one = {"source_row": number}
        for column in record.columns:
            value = row.get(headers.get(column.name, ""))
            one[column.name] = value - timedelta(hours=8) if isinstance(value, datetime) else value
            if value is None:
                one[column.name] = BY_RULE.get(column.name)
        expected.append(one)
    found = parsed.accepted.sort("source_row").to_dicts()
    if record.name == "self_report":  # a declared quantity is kept as it was sent too
        for one in expected:
            one["value_raw"], one["unit_raw"] = one["value"], one["unit"]
    if record.name == "meter_event":
        for one in expected:
            one["event_date"] = date(2026, 1, 5)
    assert found == expected


def test_an_empty_form_says_that_it_holds_nothing(registered: References, tmp_path: Path) -> None:
    parsed, _ = read_form(RECORD_TYPES["finding"], [], registered, tmp_path)
    assert (parsed.rows_read, parsed.accepted.height) == (0, 0)


def test_an_overdue_report_is_a_line_without_a_value(registered: References, tmp_path: Path) -> None:
    row = {name: value for name, value in filled(RECORD_TYPES["self_report"], 1).items() if name not in ("value", "state")}
    parsed, _ = read_form(RECORD_TYPES["self_report"], [row], registered, tmp_path)
    assert parsed.accepted.select("value", "state").rows() == [(None, "missing")]


@pytest.mark.parametrize("record", FORMS, ids=lambda record: record.name)
def test_every_column_and_word_has_a_chinese_name(record: RecordType) -> None:
    assert record_zh(record)
    for header, column in form_columns(record).items():
        assert column_zh(record, header), header
        assert all(word_zh(record, column.name, word) for word in column.allowed), header


def _sheets(data: bytes) -> dict[str, str]:
    """Sheet name → its XML."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [part.split('"')[0] for part in archive.read("xl/workbook.xml").decode().split('<sheet name="')[1:]]
        return {name: archive.read(f"xl/worksheets/sheet{at}.xml").decode() for at, name in enumerate(names, start=1)}


def test_closed_vocabularies_units_and_dates_are_checked_while_typing() -> None:
    sheets = _sheets(template(RECORD_TYPES["measure"], standards()))
    assert list(sheets) == ["measure", "example 示例", "words", "units", "parameters"]
    form = sheets["measure"]
    columns = list(form_columns(RECORD_TYPES["measure"]))
    for name, kind in (
        ("status", "list"),
        ("unit", "list"),
        ("promised_item", "list"),
        ("completed_on", "date"),
        ("investment_cny", "decimal"),
    ):
        letter = chr(65 + columns.index(name))
        rule = next(part for part in form.split("<dataValidation ") if f'sqref="{letter}4:{letter}2003"' in part)
        assert f'type="{kind}"' in rule, name
        # A closed vocabulary is closed; a unit or a code may be spelt in another way.
        assert ('errorStyle="warning"' in rule) == (name in ("unit", "promised_item")), name
        if name == "status":
            assert f"<formula1>words!${letter}$3:${letter}$9</formula1>" in rule
            words = sheets["words"]
            assert f'<c r="{letter}3"' in words and f'<c r="{letter}9"' in words and f'<c r="{letter}10"' not in words


def test_the_same_form_has_the_same_bytes() -> None:
    assert template(RECORD_TYPES["event"], standards()) == template(RECORD_TYPES["event"], standards())


def test_a_row_with_a_column_that_the_form_lacks_is_refused() -> None:
    with pytest.raises(KeyError, match="has no column colour; it has finding_id"):
        template(RECORD_TYPES["finding"], standards(), [{"colour": "red"}])


def test_there_is_no_form_for_readings() -> None:
    with pytest.raises(ValueError, match="feed draft"):
        template(RECORD_TYPES["reading"], standards())
