"""A device profile against registers, standards and the other feeds: every problem by row, column and value."""

from pipelines.ingest.contract_check import check
from tests.ingest.frames.logs import contract
from tests.ingest.given import contract as csv_contract
from tests.ingest.given import references

OWN = {"mn": "M1", "point_id": "S1"}


def said(*rows: dict[str, object]) -> list[str]:
    return [str(problem) for problem in check([contract(*rows)], references())]


def test_a_right_profile_has_no_problems() -> None:
    assert said(OWN, {"mn": "M1", "code": "w20117", "unit": "mg/L"}, {"mn": "M1", "code": "011", "st": "32", "unit": "ug/L"}) == []


def test_what_rows_name_must_exist() -> None:
    where = "devices.yaml: source.hj212.devices: devices.csv row"
    found = said(
        OWN | {"point_id": "S11"},
        {"mn": "M1", "code": "a21026", "parameter": "SOX"},
        {"mn": "M1", "code": "a21002", "unit": "mg/m4"},
        {"mn": "M1", "code": "a34013", "unit": "kWh", "total_unit": "m3"},
        {"mn": "M1", "code": "zz9", "unit": "mg/L"},
    )
    assert len(found) == 6
    for words in (
        f"{where} 2: point_id = 'S11': point is not in the register; near are S1",
        f"{where} 3: parameter = 'SOX': parameter 'SOX' is unknown",
        f"{where} 4: unit = 'mg/m4': unit 'mg/m4' is not in the seed units.csv",
        f"{where} 5: unit = 'kWh': a34013 avg is kept in mg/m3",
        f"{where} 5: total_unit = 'm3': a34013 cou is kept in kg",
        f"{where} 6: code = 'zz9': code zz9 of ST 31 is in no seed",
    ):
        assert any(problem.startswith(words) for problem in found), (words, found)


def test_a_channel_that_another_feed_claims() -> None:
    """As far as the profile says which channels there are: those of rows with a code and a field."""
    devices = contract(OWN, {"mn": "M1", "code": "02", "field": "Avg"})
    [found] = [str(problem) for problem in check([csv_contract(feed_id="first"), devices], references())]
    assert found.startswith("devices.yaml: devices.csv row 3 = 'S1 a21026 avg automatic': is claimed by first.yaml values[0] too")
    assert check([csv_contract(feed_id="first"), contract(OWN)], references()) == []
