"""What makes a file read differently, and what does not."""

from datetime import date
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.standards import Standards, load_standards
from pipelines.contracts.units import Units
from pipelines.ingest import fingerprints
from pipelines.ingest.fingerprints import WAITING_RULES, changed_meanings, parse_fingerprint
from pipelines.ingest.references import References
from pipelines.settings import CHECKOUT
from tests.ingest.depot import rows_of
from tests.ingest.park import BILLS, CEMS, contract

ZONE = ZoneInfo("Asia/Shanghai")
REPORTS = """
feed_id: reports
record: self_report
owner: a@b
source: {drop: "reports/*.csv"}
format: {kind: csv}
columns: {subject_kind: enterprise, report_kind: statistics}
period: {column: month, pattern: "%Y-%m", length: month}
values: {item: {column: item}, medium: {column: medium}, value: {column: value}, unit: {column: unit}, fields: {subject_id: {column: enterprise}}}
"""


@pytest.fixture(scope="module")
def standards() -> Standards:
    return load_standards(CHECKOUT / "dbt_project" / "seeds")


def references(standards: Standards, **registers: pl.DataFrame) -> References:
    return References(standards, Units(standards), registers)


def point(point_id: str, first: int = 2020, last: int | None = None, owner: str = "E1") -> dict:
    ends = date(last, 1, 1) if last else None
    return {
        "point_id": point_id,
        "enterprise_id": owner,
        "name": point_id,
        "kind": "stack",
        "valid_from": date(first, 1, 1),
        "valid_to": ends,
    }


def account(value: str, point_id: str, first: int = 2020, last: int | None = None, scheme: str = "grid_account") -> dict:
    ends = date(last, 1, 1) if last else None
    return {
        "scheme": scheme,
        "value": value,
        "entity_kind": "point",
        "entity_id": point_id,
        "valid_from": date(first, 1, 1),
        "valid_to": ends,
    }


def changed(standards: Standards, seed: str, key: str, value: str, **cells: str) -> Standards:
    """Standards with some cells of the rows of one key written over."""
    frame = standards.base[seed].with_columns(
        pl.when(pl.col(key) == value).then(pl.lit(text)).otherwise(pl.col(name)).alias(name) for name, text in cells.items()
    )
    assert not frame.equals(standards.base[seed])
    return Standards(standards.base | {seed: frame})


def base(text: str, standards: Standards, zone: ZoneInfo = ZONE, **changes: object) -> str:
    return parse_fingerprint(contract(text, **changes), references(standards), zone).base


def test_the_base_follows_everything_that_reads_a_file(standards: Standards, monkeypatch: pytest.MonkeyPatch) -> None:
    before = base(CEMS, standards)
    assert before == base(CEMS, standards, owner="x@y", description="other", expects={"rows_per_day": 1})
    assert before != base(CEMS, standards, format={"kind": "csv", "separator": ";"})
    assert before != base(CEMS, standards, ZoneInfo("Europe/Berlin"))
    assert before != base(CEMS.replace("mg/m3", "g/m3"), standards)
    monkeypatch.setattr(fingerprints, "PARSER_VERSION", fingerprints.PARSER_VERSION + 1)
    assert before != base(CEMS, standards)


def test_the_base_follows_the_rows_of_the_standards_that_the_contract_can_name(standards: Standards) -> None:
    before = base(CEMS, standards)
    assert before != base(CEMS, changed(standards, "parameters", "parameter_code", "a21026", unit="g/m3"))
    assert before == base(CEMS, changed(standards, "parameters", "parameter_code", "a34013", unit="g/m3"))
    assert before == base(CEMS, changed(standards, "parameters", "parameter_code", "a21026", source_ref="another print"))
    assert before != base(CEMS, changed(standards, "units", "unit", "mg/m3", pint_definition="gram / meter ** 3"))
    assert before == base(CEMS, changed(standards, "units", "unit", "MGD", pint_definition="gallon"))
    assert before != base(CEMS, changed(standards, "units", "unit", "kgce", pint_definition="kgce = [other]")), "others are defined by it"


def test_a_file_that_says_parameter_and_unit_itself_follows_all_of_them(standards: Standards) -> None:
    before = base(REPORTS, standards)
    assert before != base(REPORTS, changed(standards, "parameters", "parameter_code", "a34013", unit="g/m3"))
    assert before != base(REPORTS, changed(standards, "parameter_aliases", "alias", "B01", parameter_code="w01001"))
    assert before != base(REPORTS, changed(standards, "units", "unit", "MGD", pint_definition="gallon"))


def test_a_word_that_becomes_known_changes_the_base(standards: Standards) -> None:
    """An unknown parameter waits for the standard, not for a register."""
    mystery = CEMS.replace("parameter: a21026", "parameter: mystery_gas")
    before = base(mystery, standards)
    assert before == base(mystery, changed(standards, "parameters", "parameter_code", "a34013", name="mystery gases"))
    assert before != base(mystery, changed(standards, "parameters", "parameter_code", "a34013", parameter_code="mystery_gas"))


def test_the_registers_count_as_far_as_the_contract_can_name_them(standards: Standards) -> None:
    def of(text: str, **registers: pl.DataFrame) -> str:
        return parse_fingerprint(contract(text), references(standards, **registers), ZONE).registers

    points = rows_of("point", point("S1"), point("S2"))
    assert of(CEMS, point=points) == of(CEMS, point=rows_of("point", point("S1"), point("S3"))), "S1 is the one point it names"
    assert of(CEMS, point=points) != of(CEMS, point=rows_of("point", point("S2")))
    assert of(CEMS, point=points) == of(CEMS, point=rows_of("point", point("S1", 2020, 2024), point("S1", 2024, None, "E2"))), (
        "a sold stack"
    )
    assert of(CEMS, point=points) != of(CEMS, point=rows_of("point", point("S1", 2020, 2024), point("S1", 2025)))
    assert of(BILLS, point=points) != of(BILLS, point=rows_of("point", point("S1"))), "an account may stand for any point"
    accounts = rows_of("identifier", account("1", "S1"))
    assert of(BILLS, identifier=accounts) != of(BILLS)
    assert of(BILLS, identifier=accounts) == of(
        BILLS, identifier=rows_of("identifier", account("1", "S1"), account("1", "S2", scheme="permit"))
    )
    assert of(CEMS, identifier=accounts) == of(CEMS)
    product = {"enterprise_id": "E1", "product_code": "pcb", "name": "Boards", "unit": "m2", "valid_from": date(2020, 1, 1)}
    assert of(REPORTS, product=rows_of("product", product)) != of(REPORTS, product=rows_of("product", product | {"unit": "piece"}))


@pytest.mark.parametrize(
    ("before", "now", "differs"),
    [
        ([account("1", "A")], [account("1", "A")], False),
        ([account("1", "A")], [account("1", "A"), account("2", "B")], False),
        ([account("1", "A", 2020, 2024)], [account("1", "A", 2019)], False),
        ([account("1", "A", 2020, 2024)], [account("1", "A", 2020, 2024), account("1", "B", 2024)], False),
        ([account("1", "A", 2020, 2024)], [account("1", "A", 2020, 2022), account("1", "A", 2022, 2025)], False),
        ([account("1", "A")], [account("1", "B")], True),
        ([account("1", "A")], [], True),
        ([account("1", "A")], [account("1", "A", 2021)], True),
        ([account("1", "A")], [account("1", "A", 2020, 2024)], True),
        ([account("1", "A")], [account("1", "A"), account("1", "B", 2024)], True),
    ],
)
def test_what_a_word_meant_changes_when_it_is_gone_shorter_or_contradicted(
    standards: Standards, before: list[dict], now: list[dict], differs: bool
) -> None:
    frames = [
        parse_fingerprint(contract(BILLS), references(standards, identifier=rows_of("identifier", *rows)), ZONE).register_rows
        for rows in (before, now)
    ]
    assert changed_meanings(*frames) is differs


def test_words_and_key(standards: Standards) -> None:
    made = [
        parse_fingerprint(contract(BILLS), references(standards, identifier=rows_of("identifier", account("1", meter))), ZONE)
        for meter in "AB"
    ]
    assert made[0].words == {"1"}
    assert made[0].base == made[1].base
    assert made[0].key != made[1].key


def test_the_rules_that_wait_are_those_normalise_uses() -> None:
    """A rule that is renamed in normalise, or a verdict of the protocol, would never be waited for again, silently."""
    files = [path for path in (CHECKOUT / "pipelines" / "ingest").rglob("*.py") if path.stem != "fingerprints"]
    files.append(CHECKOUT / "pipelines" / "hj212" / "vocabulary.py")
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    for rule in WAITING_RULES:
        assert f'"{rule}"' in sources, rule
    for phrase in ("loads when it is registered",):
        assert phrase in sources


def test_every_record_has_a_fingerprint(standards: Standards) -> None:
    for record in RECORD_TYPES.values():
        if record.is_register:
            text = f"{{feed_id: f_{record.name}, record: {record.name}, owner: a@b, source: {{drop: 'x/*.csv'}}, format: {{kind: csv}}}}"
            assert len(parse_fingerprint(contract(text), references(standards), ZONE).key) == 16
