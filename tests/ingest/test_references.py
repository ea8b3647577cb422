"""Words to parameters, and registers out of the warehouse."""

from datetime import date
from pathlib import Path

import pytest

from pipelines.contracts.records import REGISTERS
from pipelines.ingest.references import Unresolved, references_from_landing
from tests.ingest.given import references, standards


@pytest.mark.parametrize(
    ("word", "scheme", "code"),
    [
        ("a21026", None, "a21026"),
        ("A21026", None, "a21026"),
        ("SO2", None, "a21026"),
        (" ＳＯ２ ", None, "a21026"),
        ("二氧化硫", None, "a21026"),
        ("Sulfur dioxide", None, "a21026"),
        ("COD", None, "w01018"),
        ("流量", "name:32", "w00000"),
        ("氨氮", "name:32", "w21003"),
        ("B01", "hj212_2005:32", "w00000"),
        ("011", "hj212_2005:32", "w01018"),
        ("50-00-0", None, "50-00-0"),
        ("0000050-00-0", None, "50-00-0"),
        ("7439-92-1", None, "7439-92-1"),
        ("7439-92-1", "cas:32", "w20120"),
        ("71-43-2", "cas:31", "a25002"),
        ("N420", None, "N420"),
    ],
)
def test_words_that_mean_a_parameter(word: str, scheme: str | None, code: str) -> None:
    found = references().parameter(word, scheme)
    assert not isinstance(found, Unresolved), found
    assert found.code == code


def test_a_cas_number_without_a_row_of_its_own_takes_kind_and_units_of_the_cas_row() -> None:
    found = references().parameter("50-00-0")
    assert not isinstance(found, Unresolved)
    assert (found.kind, found.unit, found.total_unit) == ("pollutant", "mg/m3", "kg")


@pytest.mark.parametrize(
    ("word", "scheme", "words"),
    [
        ("50-00-1", None, "'50-00-1' is no CAS number: its check digit is wrong"),
        ("氟化物", None, "'氟化物' may mean a21018 or w21017: map it to one of them, or name the stream, as scheme: name:31"),
        ("a21027", None, "parameter 'a21027' is unknown; did you mean a21"),
        ("CAS", None, "parameter 'CAS' is unknown"),
        ("zzz", None, "codes and names stand in parameters.csv and parameter_aliases.csv"),
        ("011", "hj212_2005:31", "parameter '011' is unknown in scheme 'hj212_2005:31'"),
        ("a21026", "hj212_2005:31", "is unknown in scheme"),
    ],
)
def test_words_that_do_not(word: str, scheme: str | None, words: str) -> None:
    found = references().parameter(word, scheme)
    assert isinstance(found, Unresolved)
    assert words in found


def test_totals_and_means_have_their_units() -> None:
    known = references()
    assert known.parameters["a21026"].canonical_unit(total=True) == "kg"
    assert known.parameters["a21026"].canonical_unit(total=False) == "mg/m3"
    assert known.parameters["w01001"].canonical_unit(total=True) == "pH"  # a declared pH has only the one
    assert known.parameters["co2e"].canonical_unit(total=False) == "t"


def test_a_register_that_was_never_delivered_is_empty_and_typed() -> None:
    empty = references().register("outlet")
    assert empty.is_empty()
    assert "outlet_id" in empty.columns


def test_registers_are_read_as_they_stand_now(tmp_path: Path) -> None:
    """What was superseded is no longer anybody's reference."""
    from pipelines.settings import Settings
    from pipelines.warehouse.connection import open_warehouse

    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "_park.yaml").write_text("park_id: P1\nzone: Asia/Shanghai\n", encoding="utf-8")
    settings = Settings(home=tmp_path / "home", feeds_dir=feeds)
    settings.make_folders()
    with open_warehouse(settings) as con:
        for name, known_to in [("old", "timestamp '2026-01-02'"), ("new", "null")]:
            con.execute(
                "insert into landing.point (point_id, name, kind, valid_from, feed_id, delivery_id, source_row, known_from, known_to)"
                f" values ('S1', '{name}', 'stack', date '2026-01-01', 'f', 'd', 2, timestamp '2026-01-01', {known_to})"
            )
        found = references_from_landing(con, standards())
    assert set(found.registers) == {record.name for record in REGISTERS}
    point = found.register("point")
    assert dict(point.schema) == dict(next(record for record in REGISTERS if record.name == "point").schema)
    assert point.select("name", "valid_from", "valid_to").rows() == [("new", date(2026, 1, 1), None)]
