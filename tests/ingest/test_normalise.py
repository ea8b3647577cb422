"""From a raw table to canonical rows: layouts, words, units, flags, empty cells, duplicates, and where every row went."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.records import QUARANTINE_SCHEMA, READING, SELF_REPORT
from pipelines.ingest.readers import RawTable, Unreadable
from tests.ingest.given import column, contract, point, reasons, record_contract, references, refused, run, table

T = ["2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 02:00"]


# -- readings: what one row becomes -------------------------------------------------------------------------------------


def test_one_reading_in_full() -> None:
    parsed = run(
        table(time=T[:1], value=["28500"]),
        contract(values=[{"column": "value", "point": "S1", "parameter": "SO2", "statistic": "avg", "unit": "ug/m3"}]),
    )
    assert parsed.accepted.columns == list(READING.schema)
    assert parsed.accepted.cast(dict(READING.schema)).row(0, named=True) == {
        "point_id": "S1", "parameter_code": "a21026", "statistic": "avg", "source_kind": "automatic",
        "period_start_utc": datetime(2025, 12, 31, 16), "period_end_utc": datetime(2025, 12, 31, 17), "local_date": date(2026, 1, 1),
        "value": 28.5, "unit": "mg/m3", "value_raw": 28500.0, "unit_raw": "ug/m3", "qualifier": None, "detection_limit": None,
        "flag": None, "state": "measured", "sample_id": None, "batch_id": None, "source_row": 2,
    }  # fmt: skip
    assert (parsed.rows_read, parsed.source_rows, parsed.rows_duplicate, parsed.empty_cells, parsed.warnings) == (1, 1, 0, 0, [])


def test_parquet_stores_enum_columns_as_text(tmp_path) -> None:
    """DuckDB reads the lake: an Enum, and one without a single word, must arrive as varchar."""
    import duckdb

    parsed = run(table(time=T, value=["1", "2", "3"]))
    parsed.accepted.write_parquet(tmp_path / "accepted.parquet")
    types = {
        name: kind for name, kind, *_ in duckdb.connect().execute(f"describe select * from '{tmp_path / 'accepted.parquet'}'").fetchall()
    }
    assert types == {column.name: column.duckdb_type.upper() for column in READING.columns} | {"source_row": "BIGINT"}


def test_totals_go_to_the_total_unit_and_means_to_the_mean_unit() -> None:
    values = [
        {"column": "mean", "point": "S1", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"},
        {"column": "mass", "point": "S1", "parameter": "a21026", "statistic": "cou", "unit": "g"},
        {"column": "flow", "point": "S1", "parameter": "a00000", "statistic": "avg", "unit": "m3/s"},
        {"column": "warm", "point": "S1", "parameter": "a01012", "statistic": "avg", "unit": "degF"},
    ]
    parsed = run(table(time=T[:1], mean=["5"], mass=["1500"], flow=["10"], warm=["212"]), contract(values=values))
    assert list(zip(column(parsed, "value"), column(parsed, "unit"), strict=True)) == [
        (5.0, "mg/m3"), (1.5, "kg"), (36000.0, "m3/h"), (pytest.approx(100), "degC"),
    ]  # fmt: skip


def test_a_wide_file_brings_its_columns_one_after_the_other_with_the_files_rows() -> None:
    values = [{"column": name, "point": name, "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"} for name in ("S1", "S2")]
    parsed = run(table(time=T[:2], S1=["1", "2"], S2=["3", "4"]), contract(values=values))
    assert list(zip(column(parsed, "point_id"), column(parsed, "value"), column(parsed, "source_row"), strict=True)) == [
        ("S1", 1.0, 2), ("S1", 2.0, 3), ("S2", 3.0, 2), ("S2", 4.0, 3),
    ]  # fmt: skip


LONG = contract(
    values={
        "point": {"column": "who"},
        "parameter": {"column": "what"},
        "statistic": {"column": "how", "map": {"mean": "avg", "sum": "cou"}},
        "unit": {"column": "unit"},
        "value": {"column": "number"},
    }
)


def test_a_long_file_converts_each_row_by_its_own_words() -> None:
    raw = table(
        time=[T[0]] * 4,
        who=["S1", "S1", "S2", " S2 "],
        what=["SO2", "二氧化硫", "a00000", "烟气流量"],
        how=["mean", "sum", "mean", "sum"],
        unit=["ug/m3", "g", "m3/s", "万m3"],
        number=["1000", "1000", "1", "1"],
    )
    parsed = run(raw, LONG)
    assert column(parsed, "point_id") == ["S1", "S1", "S2", "S2"]
    assert list(zip(column(parsed, "parameter_code"), column(parsed, "value"), column(parsed, "unit"), strict=True)) == [
        ("a21026", 1.0, "mg/m3"), ("a21026", 1.0, "kg"), ("a00000", 3600.0, "m3/h"), ("a00000", 10000.0, "m3"),
    ]  # fmt: skip


def test_a_long_file_refuses_row_by_row_and_says_what_would_be_right() -> None:
    raw = table(
        time=[T[0]] * 7,
        who=["S1", "S9", "S1", "S1", "S1", "S1", None],
        what=["SO2", "SO2", "SO3", "SO2", "SO2", "pH", "SO2"],
        how=["mean", "mean", "mean", "median", "mean", "sum", "mean"],
        unit=["mg/m3", "mg/m3", "mg/m3", "mg/m3", "kWh", "pH", "mg/m3"],
        number=["1", "2", "3", "4", "5", "6", "7"],
    )
    parsed = run(raw, LONG)
    assert refused(parsed) == [
        (3, "unknown_point"), (4, "unknown_parameter"), (5, "unmapped_word"), (6, "unit_without_path"), (7, "unit_without_path"),
        (8, "required_missing"),
    ]  # fmt: skip
    assert column(parsed, "source_row") == [2]
    words = reasons(parsed).splitlines()
    assert words[0] == "point 'S9' is not in the register; the row loads when it is registered"
    assert words[1] == "parameter 'SO3' is unknown; did you mean o3, so2?"
    assert words[2] == "the contract's map knows 'mean', 'sum'"
    assert "a21026 is kept in mg/m3: no path from 'kWh' (energy) to 'mg/m3' (mass_concentration)" in words[3].replace(
        "a21026 avg", "a21026"
    )
    assert words[4] == "w01001 has no total (parameters.csv), so statistic cou means nothing for it"
    assert words[5] == "point_id is empty and every reading needs one"
    assert parsed.quarantined["column_name"].to_list() == ["who", "what", "how", "unit", "unit", "who"]


def test_quarantine_keeps_what_was_sent_up_to_a_bound() -> None:
    parsed = run(table(time=T[:1], value=["x" * 600]))
    assert parsed.quarantined.schema == QUARANTINE_SCHEMA
    row = parsed.quarantined.row(0, named=True)
    assert (row["source_row"], row["column_name"], row["rule"], row["raw_text"]) == (2, "value", "number_not_understood", "x" * 500)


def test_templates_and_constants() -> None:
    raw = table(time=T[:2], plant=["3", "3"], unit=[" 1", None], value=["7", "8"])
    parsed = run(
        raw,
        contract(columns={"point_id": {"template": "CEMS-{plant}-{unit}"}},
                 values=[{"column": "value", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"}]),
        references(point=[point("CEMS-3-1")]),
    )  # fmt: skip
    assert column(parsed, "point_id") == ["CEMS-3-1"]
    assert refused(parsed) == [(3, "required_missing")]
    assert parsed.quarantined["column_name"].to_list() == ["CEMS-{plant}-{unit}"]


# -- points and identifiers -----------------------------------------------------------------------------------------------

ACCOUNTS = contract(
    values={
        "point": {"column": "account", "scheme": "grid_account"},
        "parameter": "electricity",
        "statistic": "cou",
        "unit": "kWh",
        "value": {"column": "value"},
    }
)


def account(value: str, entity_id: str, first: date = date(2000, 1, 1), last: date | None = None, kind: str = "point") -> dict:
    return {"scheme": "grid_account", "value": value, "entity_kind": kind, "entity_id": entity_id, "valid_from": first, "valid_to": last}


def test_accounts_resolve_by_the_date_of_the_row() -> None:
    """A number passes to the next customer: the same word means two points in one file."""
    moved = references(identifier=[account("033", "S1", last=date(2026, 1, 2)), account("033", "S2", first=date(2026, 1, 2))])
    parsed = run(table(time=["2026-01-01 23:00", "2026-01-02 00:00"], account=["033", "033"], value=["1", "2"]), ACCOUNTS, moved)
    assert column(parsed, "point_id") == ["S1", "S2"]


def test_unknown_accounts_are_held_back_by_name() -> None:
    known = references(identifier=[account("033", "S1", last=date(2025, 1, 1)), account("044", "E1", kind="enterprise")])
    parsed = run(table(time=[T[0]] * 3, account=["033", "044", "055"], value=["1", "2", "3"]), ACCOUNTS, known)
    assert refused(parsed) == [(2, "unknown_identifier"), (3, "unknown_identifier"), (4, "unknown_identifier")]
    assert parsed.quarantined["raw_text"].to_list() == ["033", "044", "055"]
    assert reasons(parsed).splitlines() == [
        "grid_account 033 is registered as a point from 2000-01-01 to 2025-01-01 only",
        "grid_account 044 is no point of the identifier register; the row loads when it is registered",
        "grid_account 055 is no point of the identifier register; the row loads when it is registered",
    ]


def test_a_point_must_be_registered_on_the_rows_date() -> None:
    gone = references(point=[point("S1", valid_to=date(2026, 1, 2)), point("S1", valid_from=date(2026, 1, 3))])
    stamps = [f"2026-01-0{day} 05:00" for day in (1, 2, 3)]
    parsed = run(table(time=stamps, value=["1", "2", "3"]), against=gone)
    assert column(parsed, "source_row") == [2, 4]
    assert refused(parsed) == [(3, "unknown_point")]
    assert reasons(parsed) == (
        "point 'S1' is registered for 2000-01-01 to 2026-01-02, 2026-01-03 to now only, and the row is of 2026-01-02"
    )


def test_a_constant_point_that_is_not_registered_holds_every_value_back() -> None:
    parsed = run(table(time=T, value=["1", None, "3"]), against=references(point=[]))
    assert refused(parsed) == [(2, "unknown_point"), (4, "unknown_point")]
    assert (parsed.rows_read, parsed.empty_cells) == (2, 1)


def test_a_misspelt_point_is_told_its_neighbours() -> None:
    known = references(point=[point("E001-STACK-1"), point("E001-STACK-2")])
    value = {"column": "value", "point": "E001_STACK-1", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"}
    assert reasons(run(table(time=T[:1], value=["1"]), contract(values=[value]), known)) == (
        "point 'E001_STACK-1' is not in the register; near are E001-STACK-1, E001-STACK-2; the row loads when it is registered"
    )


def test_constants_that_make_no_sense_refuse_the_rows_not_the_program() -> None:
    for changes, rule in [
        ({"parameter": "SO4"}, "unknown_parameter"),
        ({"unit": "kWh"}, "unit_without_path"),
        ({"unit": "mg/m4"}, "unknown_unit"),
    ]:
        value = {"column": "value", "point": "S1", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"} | changes
        assert refused(run(table(time=T[:1], value=["1"]), contract(values=[value]))) == [(2, rule)]


# -- empty cells, flags, non-detects --------------------------------------------------------------------------------------


def test_empty_cells_make_no_rows_unless_the_contract_says_so() -> None:
    raw = table(time=T, value=["1", "--", ""])
    nothing = run(raw)
    assert (nothing.rows_read, nothing.empty_cells, nothing.accepted.height) == (1, 2, 1)
    missing = run(raw, contract(empty={"means": "missing"}))
    assert (missing.rows_read, missing.empty_cells) == (3, 0)
    assert list(zip(column(missing, "value"), column(missing, "state"), strict=True)) == [
        (1.0, "measured"),
        (None, "missing"),
        (None, "missing"),
    ]


def test_stopped_and_missing_are_told_apart_by_the_operating_time() -> None:
    raw = table(time=T, value=[None, None, "5"], hours=["0.00", "3", "0"])
    rule = {"means": "missing", "stopped_if": {"column": "hours", "values": [0]}}
    parsed = run(raw, contract(empty=rule, ignore=["hours"]))
    assert column(parsed, "state") == ["stopped", "missing", "measured"]
    only_stopped = run(raw, contract(empty={"stopped_if": {"column": "hours", "values": [0]}}))
    assert column(only_stopped, "state") == ["stopped", "measured"]
    assert only_stopped.empty_cells == 1


FLAGS = {"column": "flag", "map": {"正常": "N", "停运": "F", "维护": "M"}}


def test_a_flagged_row_keeps_its_value_and_an_empty_flagged_cell_is_a_row() -> None:
    raw = table(
        time=[f"2026-01-01 0{hour}:00" for hour in range(6)],
        value=["1", "2", "3", None, None, None],
        flag=["正常", "维护", "停运", "正常", "维护", "停运"],
    )
    parsed = run(raw, contract(flags=FLAGS))
    assert list(zip(column(parsed, "value"), column(parsed, "flag"), column(parsed, "state"), strict=True)) == [
        (1.0, "N", "measured"), (2.0, "M", "measured"), (3.0, "F", "stopped"), (None, "M", "missing"), (None, "F", "stopped"),
    ]  # fmt: skip
    assert parsed.empty_cells == 1


def test_unknown_flags_are_refused_unless_there_is_a_default() -> None:
    raw = table(time=T, value=["1", "2", None], flag=["??", None, "??"])
    parsed = run(raw, contract(flags=FLAGS))
    assert refused(parsed) == [(2, "unknown_flag")]
    assert reasons(parsed) == "the contract's flags.map knows '正常', '停运', '维护'"
    assert column(parsed, "flag") == [None]
    assert parsed.empty_cells == 1  # an unknown word says nothing about an empty cell
    assert column(run(raw, contract(flags=FLAGS | {"default": "D"})), "flag") == ["D", None, "D"]


def test_a_flag_may_stand_beside_each_value() -> None:
    value = {"column": "value", "point": "S1", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3", "flag": {"column": "mark"}}
    parsed = run(table(time=T, value=["1", "2", "3"], mark=["N", "D", "X"]), contract(values=[value]))
    assert column(parsed, "flag") == ["N", "D"]
    assert refused(parsed) == [(4, "word_not_allowed")]


def lab(**fields: object):
    value = {"column": "value", "point": "S1", "parameter": "w20117", "statistic": "rtd", "unit": "ug/L", "fields": fields}
    return contract(values=[value], time={"column": "time", "pattern": "%Y-%m-%d %H:%M", "step": "1h", "label": "instant"})


def test_non_detects_are_values_with_a_qualifier_and_a_limit() -> None:
    parsed = run(table(time=T, value=["<4", "4L", ">100"]), lab())
    rows = parsed.accepted.select("value", "qualifier", "detection_limit", "value_raw", "state").rows()
    assert rows == [(0.004, "<", 0.004, 4.0, "measured"), (0.004, "<", 0.004, 4.0, "measured"), (0.1, ">", None, 100.0, "measured")]


def test_a_bare_non_detect_takes_the_limit_from_the_file_or_the_channel() -> None:
    sent = run(table(time=T[:2], value=["ND", "9"], lod=["4", "4"]), lab(detection_limit={"column": "lod"}))
    assert sent.accepted.select("value", "qualifier", "detection_limit", "value_raw").rows() == [
        (0.004, "<", 0.004, None),
        (0.009, None, 0.004, 9.0),
    ]
    channels = [{"point_id": "S1", "parameter_code": "w20117", "detection_limit": 0.003, "valid_to": date(2026, 1, 2)}]
    known = references(channel=channels)
    assert column(run(table(time=T[:1], value=["未检出"]), lab(), known), "detection_limit") == [0.003]
    late = run(table(time=["2026-01-02 00:00"], value=["未检出"]), lab(), known)
    assert refused(late) == [(2, "non_detect_without_limit")]
    assert "right would be <0.05" in reasons(late)


def test_an_instant_has_no_length() -> None:
    parsed = run(table(time=T[:1], value=["1"]), lab())
    assert column(parsed, "period_start_utc") == column(parsed, "period_end_utc")


def test_a_file_may_say_a_readings_state_itself() -> None:
    value = {
        "column": "value",
        "point": "S1",
        "parameter": "a21026",
        "statistic": "avg",
        "unit": "mg/m3",
        "fields": {"state": {"column": "how"}},
    }
    stamps = [f"2026-01-01 0{hour}:00" for hour in range(5)]
    parsed = run(
        table(time=stamps, value=["1", "2", None, None, None], how=["substituted", None, "missing", "measured", "guessed"]),
        contract(values=[value]),
    )
    assert list(zip(column(parsed, "value"), column(parsed, "state"), strict=True)) == [
        (1.0, "substituted"),
        (2.0, "measured"),
        (None, "missing"),
    ]
    assert (parsed.empty_cells, parsed.quarantined.height) == (2, 0)


def test_samples_and_batches_come_by_name_or_by_the_contract() -> None:
    parsed = run(table(time=T[:2], value=["1", "2"], sample_id=["A", None], charge=["B7", "B8"]), lab(batch_id={"column": "charge"}))
    assert list(zip(column(parsed, "sample_id"), column(parsed, "batch_id"), strict=True)) == [("A", "B7"), (None, "B8")]


def test_the_contracts_own_validity() -> None:
    valid = contract(valid={"from": date(2026, 1, 2), "to": date(2026, 1, 3)})
    parsed = run(table(time=["2026-01-01 23:00", "2026-01-02 00:00", "2026-01-03 00:00"], value=["1", "2", "3"]), valid)
    assert column(parsed, "source_row") == [3]
    assert refused(parsed) == [(2, "outside_contract_validity"), (4, "outside_contract_validity")]
    assert parsed.quarantined["raw_text"].to_list() == ["2026-01-01 23:00", "2026-01-03 00:00"]


def test_the_first_reason_stands() -> None:
    """A row is refused once, by its time before anything else."""
    parsed = run(table(time=["yesterday"], value=["much"]), against=references(point=[]))
    assert refused(parsed) == [(2, "time_not_understood")]


# -- duplicates and contradictions ----------------------------------------------------------------------------------------


def test_the_same_row_again_is_a_duplicate_and_another_value_a_contradiction() -> None:
    parsed = run(table(time=[T[0], T[0], T[1], T[1], T[2]], value=["1", "1.0", "2", "3", "4"]))
    assert column(parsed, "source_row") == [2, 6]
    assert parsed.rows_duplicate == 1
    assert refused(parsed) == [(4, "conflicting_rows"), (5, "conflicting_rows")]
    assert "rows 4, 5 of this file say different things of the same point_id" in reasons(parsed)
    assert "value=2.0" in parsed.quarantined["raw_text"][0]


def test_one_statement_in_two_units_is_no_contradiction() -> None:
    raw = table(
        time=[T[0], T[0]], who=["S1", "S1"], what=["SO2", "SO2"], how=["mean", "mean"], unit=["mg/m3", "ug/m3"], number=["5", "5000"]
    )
    parsed = run(raw, LONG)
    assert (parsed.accepted.height, parsed.rows_duplicate) == (1, 1)


def test_two_columns_that_claim_one_channel() -> None:
    value = {"point": "S1", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"}
    parsed = run(table(time=T[:2], a=["1", "2"], b=["1", "9"]), contract(values=[{"column": "a"} | value, {"column": "b"} | value]))
    assert (column(parsed, "value"), parsed.rows_duplicate, refused(parsed)) == (
        [1.0],
        1,
        [(3, "conflicting_rows"), (3, "conflicting_rows")],
    )


def test_unsorted_files_without_repeats_have_no_duplicates() -> None:
    parsed = run(table(time=[T[2], T[0], T[1]], value=["3", "1", "2"]))
    assert (column(parsed, "value"), parsed.rows_duplicate) == ([3.0, 1.0, 2.0], 0)


# -- columns --------------------------------------------------------------------------------------------------------------


def test_missing_columns_refuse_the_file_and_name_what_is_there() -> None:
    with pytest.raises(Unreadable) as wrong:
        run(table(when=T, SO2=["1", "2", "3"]), contract(flags=FLAGS))
    assert str(wrong.value) == (
        "the contract names columns the file has not: 'time' (time), 'flag' (flags), 'value' (values[0].value); the file has 'when', 'SO2'"
    )


def test_unknown_columns_are_a_warning_unless_ignored() -> None:
    raw = table(time=T[:1], value=["1"], remark=["x"], other=[None])
    assert run(raw).warnings == ["columns the contract does not know: 'remark', 'other'; use them, or name them in ignore"]
    assert run(raw, contract(ignore=["remark", "other"])).warnings == []
    assert run(raw, contract(ignore="rest")).warnings == []


def test_rows_a_reader_rejected_are_counted_and_kept() -> None:
    raw = table(time=T[:1], value=["1"])
    torn = pl.DataFrame([(9, None, "ragged_row", "has 1 fields", "2026")], schema=QUARANTINE_SCHEMA, orient="row")
    parsed = run(RawTable(raw.frame, 2, ["the sheet has a title"], torn))
    assert (parsed.rows_read, parsed.source_rows, parsed.warnings) == (2, 2, ["the sheet has a title"])
    assert refused(parsed) == [(9, "ragged_row")]


def test_a_file_without_rows() -> None:
    parsed = run(table(time=[], value=[]))
    assert (parsed.rows_read, parsed.accepted.height, parsed.quarantined.height) == (0, 0, 0)
    assert parsed.accepted.cast(dict(READING.schema)).schema == READING.schema


# -- the identity that holds for every file -------------------------------------------------------------------------------

cells = st.none() | st.sampled_from(["1", "2.5", "-200", "", "ND", "<3", "x", "1,000", "NaN"]) | st.text(max_size=3)
stamps = (
    st.sampled_from([*T, "2026-01-01 24:00", "2026-01-01", "", "2025-03-09 02:30", "2025-11-02 01:30"]) | st.none() | st.text(max_size=4)
)
words = st.none() | st.sampled_from(["S1", "S2", "S3", "", " S1"]) | st.text(max_size=2)
marks = st.none() | st.sampled_from(["正常", "停运", "维护", "x", ""])


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(stamps, words, cells, cells, marks), max_size=12),
    means=st.sampled_from(["nothing", "missing"]),
    zone=st.sampled_from(["Asia/Shanghai", "America/Chicago"]),
    repeats=st.sampled_from(["infer", "quarantine", "latest"]),
)
def test_no_row_is_lost_or_made_up_whatever_the_file_holds(rows: list[tuple], means: str, zone: str, repeats: str) -> None:
    raw = table(**{name: [row[at] for row in rows] for at, name in enumerate(["time", "who", "a", "b", "flag"])})
    value = {"parameter": "w20117", "unit": "ug/L"}
    parsed = run(
        raw,
        contract(
            time={"column": "time", "pattern": "%Y-%m-%d %H:%M", "step": "1h", "zone": zone, "repeats": repeats},
            columns={"point_id": {"column": "who"}},
            values=[{"column": "a", "statistic": "avg"} | value, {"column": "b", "statistic": "max"} | value],
            flags=FLAGS,
            empty={"means": means},
            format={"kind": "csv", "null_values": ["-200"]},
        ),
    )
    assert parsed.rows_read == parsed.accepted.height + parsed.rows_duplicate + parsed.quarantined.height
    assert parsed.rows_read + parsed.empty_cells == 2 * len(rows)
    assert parsed.accepted.select(READING.key).is_duplicated().sum() == 0
    for required in READING.columns:
        assert not required.required or parsed.accepted[required.name].null_count() == 0, required.name
    measured = parsed.accepted.filter(pl.col("state") == "measured")
    assert measured["value"].null_count() == 0
    assert parsed.quarantined.select("source_row", "rule", "reason").null_count().sum_horizontal().item() == 0
    assert parsed.quarantined["raw_text"].str.len_chars().max() or 0 <= 500


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(T), st.sampled_from(["S1", "S2"]), st.sampled_from(["1", "2"])), max_size=10))
def test_duplicates_and_contradictions_are_what_a_slow_look_finds(rows: list[tuple[str, str, str]]) -> None:
    raw = table(time=[row[0] for row in rows], who=[row[1] for row in rows], value=[row[2] for row in rows])
    parsed = run(
        raw,
        contract(
            columns={"point_id": {"column": "who"}},
            values=[{"column": "value", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"}],
        ),
    )
    said: dict[tuple[str, str], list[str]] = {}
    for stamp, who, value in rows:
        said.setdefault((stamp, who), []).append(value)
    agreeing = [values for values in said.values() if len(set(values)) == 1]
    assert parsed.accepted.height == len(agreeing)
    assert parsed.rows_duplicate == sum(len(values) - 1 for values in agreeing)
    assert parsed.quarantined.height == sum(len(values) for values in said.values() if len(set(values)) > 1)


# -- self-reports ---------------------------------------------------------------------------------------------------------

REPORT = {
    "period": {"column": "month", "pattern": "%Y-%m", "length": "month"},
    "columns": {"subject_kind": "enterprise", "subject_id": {"column": "who"}, "report_kind": "statistics"},
}
SUBJECTS = {
    "enterprise": [{"enterprise_id": "E1", "park_id": "P", "name": "One"}],
    "product": [{"enterprise_id": "E1", "product_code": "PCB-2", "name": "Board", "unit": "m2"}],
}


def report(**changes: object):
    content = REPORT | {
        "values": {"item": {"column": "item"}, "medium": {"column": "medium"}, "value": {"column": "amount"}, "unit": {"column": "unit"}}
    }
    return contract(record="self_report", time=None, source_kind=None, **(content | changes))


def test_a_declared_quantity_in_full() -> None:
    raw = table(month=["2026-02"], who=["E1"], item=["用电量"], medium=["purchased"], amount=["12.5"], unit=["万kWh"],
                submitted_at_utc=["2026-03-05 18:00"], submission_no=["2"])  # fmt: skip
    parsed = run(raw, report(), references(**SUBJECTS))
    assert parsed.accepted.row(0, named=True) == {
        "subject_kind": "enterprise", "subject_id": "E1", "item_code": "electricity", "medium": "purchased",
        "period_start": date(2026, 2, 1), "period_end": date(2026, 3, 1), "report_kind": "statistics", "line_id": "-",
        "value": 125000.0, "unit": "kWh", "value_raw": 12.5, "unit_raw": "万kWh", "method_code": None, "state": "self_reported",
        "submitted_at_utc": datetime(2026, 3, 5, 10), "due_at_utc": None, "submission_no": 2, "confidentiality": None, "source_row": 2,
    }  # fmt: skip


def test_output_is_counted_in_the_products_unit_and_metal_in_goods_in_its_own() -> None:
    raw = table(month=["2026-02"] * 3, who=["E1"] * 3, item=["PCB-2", "copper", "PCB-9"], medium=["output"] * 3, amount=["2", "3", "4"],
                unit=["万m2", "kg", "m2"])  # fmt: skip
    parsed = run(raw, report(), references(**SUBJECTS))
    assert parsed.accepted.select("item_code", "value", "unit").rows() == [("PCB-2", 20000.0, "m2"), ("copper", 0.003, "t")]
    assert refused(parsed) == [(4, "unknown_product")]


def test_what_a_report_is_refused_for() -> None:
    names = ["month", "who", "item", "medium", "amount", "unit"]
    rows = [
        ("2026-13", "E1", "electricity", "purchased", "1", "kWh"),
        ("2026-02", "E9", "electricity", "purchased", "1", "kWh"),
        ("2026-02", "E1", "phlogiston", "purchased", "1", "t"),
        ("2026-02", "E1", "electricity", "stolen", "1", "kWh"),
        ("2026-02", "E1", "electricity", "purchased", "<1", "kWh"),
        ("2026-02", "E1", "raw_coal", "purchased", "1", "kWh"),
        ("2026-02", "E1", "raw_coal", "purchased", "1", "bushel"),
        ("2026-02", "E1", "raw_coal", "purchased", "1", None),
        ("2026-02", "E1", "raw_coal", None, "1", "t"),
    ]
    raw = table(**{name: [row[at] for row in rows] for at, name in enumerate(names)})
    parsed = run(raw, report(), references(**SUBJECTS))
    assert refused(parsed) == [
        (2, "period_not_understood"), (3, "unknown_subject"), (4, "unknown_parameter"), (5, "word_not_allowed"), (6, "number_not_understood"),
        (7, "unit_without_path"), (8, "unknown_unit"), (9, "unit_missing"), (10, "required_missing"),
    ]  # fmt: skip
    assert parsed.accepted.is_empty()
    assert parsed.quarantined["column_name"].to_list() == ["month", "who", "item", "medium", "amount", "unit", "unit", "unit", "medium"]


def test_a_line_that_says_itself_why_it_has_no_value_is_a_row() -> None:
    raw = table(month=["2026-02"] * 3, who=["E1"] * 3, item=["electricity", "heat", "diesel"], medium=["purchased"] * 3, amount=[None, None, "1"],
                unit=[None, "GJ", "t"], state=["missing", None, None])  # fmt: skip
    parsed = run(raw, report(), references(**SUBJECTS))
    assert parsed.accepted.select("item_code", "value", "state").rows() == [
        ("electricity", None, "missing"),
        ("diesel", 1.0, "self_reported"),
    ]
    assert parsed.empty_cells == 1
    every = run(raw, report(empty={"means": "missing"}), references(**SUBJECTS))
    assert every.accepted["state"].to_list() == ["missing", "missing", "self_reported"]


def test_wide_reports_and_line_numbers_keep_forms_apart() -> None:
    raw = table(year=["2019"] * 2, who=["E1"] * 2, cas=["0000050-00-0", "7439-92-1"], form=["A1", "A2"], air=["2", "3"], water=["0", None],
                unit=["Pounds", "Grams"])  # fmt: skip
    medium = [{"column": name, "medium": name, "line": {"template": "{form}/" + name}} for name in ("air", "water")]
    changes = {
        "period": {"column": "year", "pattern": "%Y", "length": "year"},
        "columns": REPORT["columns"] | {"report_kind": "inventory", "item_code": {"column": "cas"}, "unit_raw": {"column": "unit"}},
    }
    parsed = run(raw, report(values=medium, **changes), references(**SUBJECTS))
    assert parsed.accepted.select("item_code", "medium", "line_id", "value").rows() == [
        ("50-00-0", "air", "A1/air", pytest.approx(0.90718474)), ("7439-92-1", "air", "A2/air", 0.003), ("50-00-0", "water", "A1/water", 0.0),
    ]  # fmt: skip
    assert parsed.empty_cells == 1


def test_subjects_by_credit_code() -> None:
    known = references(
        **SUBJECTS,
        identifier=[{"scheme": "credit_code", "value": "9144X", "entity_kind": "enterprise", "entity_id": "E1"}],
    )
    columns = REPORT["columns"] | {"subject_id": {"column": "who", "scheme": "credit_code"}}
    raw = table(
        month=["2026-02"] * 2, who=["9144X", "9144Y"], item=["heat"] * 2, medium=["purchased"] * 2, amount=["1", "2"], unit=["GJ"] * 2
    )
    parsed = run(raw, report(columns=columns), known)
    assert parsed.accepted["subject_id"].to_list() == ["E1"]
    assert refused(parsed) == [(3, "unknown_identifier")]


declared = st.tuples(
    st.sampled_from(["2026-01", "2026-13", "2026-02", "", "x"]) | st.none(),
    st.sampled_from(["E1", "E2", ""]) | st.none(),
    st.sampled_from(["electricity", "PCB-2", "copper", "50-00-0", "50-00-1", "?"]) | st.none(),
    st.sampled_from(["purchased", "output", "air", "moon"]) | st.none(),
    cells,
    st.sampled_from(["kWh", "t", "m2", "lb", "furlong", ""]) | st.none(),
    st.sampled_from(["missing", "self_reported", "tired", ""]) | st.none(),
)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(declared, max_size=10), means=st.sampled_from(["nothing", "missing"]))
def test_no_declared_line_is_lost_or_made_up(rows: list[tuple], means: str) -> None:
    names = ["month", "who", "item", "medium", "amount", "unit", "state"]
    raw = table(**{name: [row[at] for row in rows] for at, name in enumerate(names)})
    parsed = run(raw, report(empty={"means": means}), references(**SUBJECTS))
    assert parsed.rows_read == parsed.accepted.height + parsed.rows_duplicate + parsed.quarantined.height
    assert parsed.rows_read + parsed.empty_cells == len(rows)
    assert parsed.accepted.schema == SELF_REPORT.schema
    for required in SELF_REPORT.columns:
        assert not required.required or parsed.accepted[required.name].null_count() == 0, required.name
    with_value = parsed.accepted.filter(pl.col("value").is_not_null())
    assert with_value["unit"].null_count() == 0


# -- registers ------------------------------------------------------------------------------------------------------------


def test_a_register_maps_columns_of_its_own_names() -> None:
    raw = table(point_id=["S1"], enterprise_id=["E1"], name=["Stack 1"], kind=["stack"], valid_from=["2026-01-01"], remark=["x"])
    parsed = run(raw, record_contract("point"))
    assert parsed.accepted.row(0, named=True) == {
        "point_id": "S1", "enterprise_id": "E1", "outlet_id": None, "process_id": None, "name": "Stack 1", "kind": "stack",
        "valid_from": date(2026, 1, 1), "valid_to": None, "source_row": 2,
    }  # fmt: skip
    assert parsed.warnings == ["columns the contract does not know: 'remark'; use them, or name them in ignore"]


def test_a_register_without_a_required_column_is_refused_as_a_file() -> None:
    with pytest.raises(Unreadable, match="no column for 'kind', 'valid_from' and the contract fills none; the file has 'point_id', 'name'"):
        run(table(point_id=["S1"], name=["x"]), record_contract("point"))


def test_what_a_register_row_is_refused_for() -> None:
    raw = table(
        point_id=["S1", "S2", None, "S4", "S5"],
        name=["a"] * 5,
        kind=["stack", "chimney", "stack", "stack", "stack"],
        valid_from=["2026-01-01", "2026-01-01", "2026-01-01", "1.1.26", "2026-01-01"],
        valid_to=[None, None, None, None, "2025-01-01"],
    )
    parsed = run(raw, record_contract("point"))
    assert refused(parsed) == [(3, "word_not_allowed"), (4, "required_missing"), (5, "time_not_understood"), (6, "dates_reversed")]
    assert parsed.quarantined["reason"].to_list() == [
        "right would be one of 'stack', 'wastewater', 'energy', 'water', 'gas', 'production', 'process', 'ambient', 'laboratory'",
        "point_id is empty: measuring point, and every row needs it",
        "is not a date or time as 2026-01-31",
        "valid_to is exclusive and must be after valid_from",
    ]


def test_the_top_of_a_metering_tree_may_be_written_or_left_empty() -> None:
    raw = table(
        point_id=["A", "B", "C"], parent_point_id=["-", None, "A"], role=["billing", "billing", "sub"], valid_from=["2026-01-01"] * 3
    )
    assert run(raw, record_contract("meter_link")).accepted["parent_point_id"].to_list() == ["-", "-", "A"]


def test_limits_of_permits_are_kept_in_canonical_units() -> None:
    raw = table(
        permit_id=["P"] * 3, subject_kind=["outlet"] * 3, subject_id=["O1"] * 3, parameter_code=["SO2", "w20117", "SO2"],
        limit_kind=["hourly_concentration", "daily_concentration", "annual_mass"], limit_value=["35", "500", "12.5"],
        unit=["mg/Nm3", "ug/L", "t"], valid_from=["2026-01-01"] * 3,
    )  # fmt: skip
    limits = run(raw, record_contract("permit_limit")).accepted.select("parameter_code", "limit_value", "unit")
    assert limits.rows() == [("a21026", 35.0, "mg/m3"), ("w20117", 0.5, "mg/L"), ("a21026", 12500.0, "kg")]


def test_events_of_meters_are_local_times_and_get_their_date() -> None:
    raw = table(point_id=["S1"], parameter_code=["用电量"], event_at_utc=["2026-01-01 06:30"], event_kind=["exchange"], final_register=["99,999.5"],
                initial_register=["0"])  # fmt: skip
    parsed = run(raw, record_contract("meter_event"))
    row = parsed.accepted.row(0, named=True)
    assert (row["event_at_utc"], row["event_date"], row["parameter_code"], row["final_register"]) == (
        datetime(2025, 12, 31, 22, 30), date(2026, 1, 1), "electricity", 99999.5,
    )  # fmt: skip


def test_whole_numbers_and_products_units() -> None:
    raw = table(
        point_id=["S1"] * 2,
        parameter_code=["electricity", "heat"],
        digits=["6", "6.5"],
        multiplier=["80", "1"],
        valid_from=["2026-01-01"] * 2,
    )
    parsed = run(raw, record_contract("channel"))
    assert parsed.accepted.select("digits", "multiplier").rows() == [(6, 80.0)]
    assert reasons(parsed) == "is a whole number"
    products = table(enterprise_id=["E1"] * 2, product_code=["a", "b"], name=["A", "B"], unit=["m2", "ell"], valid_from=["2026-01-01"] * 2)
    assert refused(run(products, record_contract("product"))) == [(3, "unknown_unit")]


def test_a_registers_rows_that_contradict_each_other() -> None:
    raw = table(park_id=["P", "P", "Q", "Q"], name=["One", "Two", "Q", "Q"], valid_from=["2026-01-01"] * 4)
    parsed = run(raw, record_contract("park"))
    assert (parsed.accepted["park_id"].to_list(), parsed.rows_duplicate) == (["Q"], 1)
    assert refused(parsed) == [(2, "conflicting_rows"), (3, "conflicting_rows")]


def test_the_parks_zone_dates_a_meters_event() -> None:
    raw = table(point_id=["S1"], parameter_code=["electricity"], event_at_utc=["2026-01-01 06:30"], event_kind=["reset"])
    assert run(raw, record_contract("meter_event"), zone=ZoneInfo("America/Chicago")).accepted["event_date"].to_list() == [date(2026, 1, 1)]


# -- records of the audit ---------------------------------------------------------------------------------------------------

KNOWN = {
    "enterprise": [{"enterprise_id": "E1", "park_id": "P", "name": "One"}, {"enterprise_id": "E2", "park_id": "P", "name": "Two"}],
    "process": [{"process_id": "E1-P1", "enterprise_id": "E1", "name": "Boilers"}],
    "outlet": [
        {"outlet_id": "E1-DA001", "enterprise_id": "E1", "name": "Stack", "medium": "air", "kind": "stack", "discharge_kind": "direct"}
    ],
    "audit_round": [{"round_id": "R1", "enterprise_id": "E1", "kind": "mandatory"}],
}


def test_whoever_a_row_names_waits_by_name_until_registered() -> None:
    raw = table(
        manifest_id=["M1", "M2", "M3", "M4"], enterprise_id=["E1", "E9", "E1", "E1"], process_id=["E1-P1", None, "E1-P9", None],
        receiver_id=["E2", None, None, "E8"], waste_code=["336-054-17"] * 4, waste_kind=["hazardous"] * 4, movement=["transferred"] * 4,
        moved_on=["2026-03-01"] * 4, quantity_t=["1.5"] * 4,
    )  # fmt: skip
    parsed = run(raw, record_contract("waste_movement"), references(**KNOWN))
    assert parsed.accepted.select("manifest_id", "line_id", "state").rows() == [("M1", "-", "self_reported")]
    assert refused(parsed) == [(3, "unknown_subject"), (4, "unknown_subject"), (5, "unknown_subject")]
    for words in (
        "enterprise 'E9' is not in the register",
        "process 'E1-P9' is not in the register",
        "enterprise 'E8' is not in the register",
    ):
        assert words in reasons(parsed)
    assert parsed.quarantined["column_name"].to_list() == ["enterprise_id", "process_id", "receiver_id"]


@pytest.mark.parametrize(
    ("kind", "subject", "rule"),
    [
        ("outlet", "E1-DA001", None), ("outlet", "E1-DA009", "unknown_subject"), ("enterprise", "E1-DA001", "unknown_subject"),
        ("product", "PCB-2", "unknown_product"), ("process", "E1-P1", None), ("point", "S1", None), ("point", "S7", "unknown_subject"),
    ],
)  # fmt: skip
def test_what_an_event_concerns_stands_in_the_register_of_its_kind(kind: str, subject: str, rule: str | None) -> None:
    raw = table(event_id=["X1"], event_kind=["complaint"], subject_kind=[kind], subject_id=[subject], occurred_on=["2026-03-01"],
                occurred_at_utc=["2026-03-01 07:30:00"])  # fmt: skip
    parsed = run(raw, record_contract("event"), references(**KNOWN))
    assert refused(parsed) == ([] if rule is None else [(2, rule)])
    if rule is None:
        assert parsed.accepted["occurred_at_utc"].to_list() == [datetime(2026, 2, 28, 23, 30)]


def test_a_step_names_a_round_of_the_register() -> None:
    raw = table(round_id=["R1", "R7"], step_code=["plan"] * 2, entered_on=["2026-03-01"] * 2)
    assert refused(run(raw, record_contract("audit_step"), references(**KNOWN))) == [(3, "unknown_subject")]


def test_quantities_of_findings_measures_and_offers_are_kept_in_canonical_units() -> None:
    """A saving that is promised in 万kWh is compared with a meter in kWh; waste has its code and is counted in t."""
    findings = table(
        finding_id=list("abcd"), enterprise_id=["E1"] * 4, subject_kind=["enterprise"] * 4, subject_id=["E1"] * 4, found_on=["2026-03-01"] * 4,
        cause_code=["equipment"] * 4, status=["open"] * 4, description=["x"] * 4, item_code=["用电量", "336-054-17", None, "toothpaste"],
        quantity=["12", "1500", "3", "4"], unit=["万kWh", "kg", "times", "t"],
    )  # fmt: skip
    parsed = run(findings, record_contract("finding"), references(**KNOWN))
    assert refused(parsed) == [(4, "unknown_unit"), (5, "unknown_parameter")]
    assert parsed.accepted.select("item_code", "quantity", "unit").rows() == [("electricity", 120000.0, "kWh"), ("336-054-17", 1.5, "t")]
    measures = table(
        measure_id=list("abc"), enterprise_id=["E1"] * 3, name=["x"] * 3, measure_class=["source_reduction"] * 3, cost_class=["no_low"] * 3,
        status=["implemented"] * 3, proposed_on=["2026-03-01"] * 3, promised_item=["electricity", "w01018", None],
        promised_quantity=["5", "2", None], unit=["MWh", "t", None],
    )  # fmt: skip
    parsed = run(measures, record_contract("measure"), references(**KNOWN))
    assert parsed.accepted.select("promised_quantity", "unit").rows() == [(5000.0, "kWh"), (2000.0, "kg"), (None, None)]
    offers = table(enterprise_id=["E1"] * 2, item_code=["钢渣", "SW01"], direction=["offer"] * 2, quantity=["2000", "3"], unit=["kg", "10^4 t"],
                   valid_from=["2026-01-01"] * 2)  # fmt: skip
    parsed = run(offers, record_contract("material_offer"), references(**KNOWN))
    assert parsed.accepted.select("item_code", "quantity", "unit").rows() == [("steel_slag", 2.0, "t"), ("SW01", 30000.0, "t")]


def test_targets_name_a_metric_or_an_item_and_are_kept_in_its_unit() -> None:
    raw = table(
        subject_kind=["enterprise"] * 5, subject_id=["E1"] * 5,
        metric_code=["energy_per_output_value", "item: 用电量", "mass:COD", "energy_per_pound", "electricity_per_output"],
        target_year=["2027"] * 5, baseline_year=["2025"] * 5, baseline_value=["0.012", "3", None, "1", "700"], target_value=["0.01", "2", "5", "1", "650"],
        unit=["kgce/CNY", "10^4 kWh", "t", "t", "kWh/t"], set_on=["2026-01-05"] * 5,
    )  # fmt: skip
    parsed = run(raw, record_contract("target"), references(**KNOWN))
    assert refused(parsed) == [(5, "unknown_metric")]
    assert "item:CODE for a quantity" in reasons(parsed)
    assert parsed.accepted.select("metric_code", "baseline_value", "target_value", "unit").rows() == [
        ("energy_per_output_value", pytest.approx(0.12), pytest.approx(0.1), "tce/10^4 CNY"),
        ("item:electricity", 30000.0, 20000.0, "kWh"),
        ("mass:w01018", None, 5000.0, "kg"),
        # each product has a unit of its own
        ("electricity_per_output", 700.0, 650.0, "kWh/t"),
    ]


def test_an_event_cannot_be_over_before_it_began() -> None:
    raw = table(event_id=["X1"], event_kind=["shutdown"], subject_kind=["enterprise"], subject_id=["E1"], occurred_on=["2026-03-02"],
                ended_on=["2026-03-02"])  # fmt: skip
    assert refused(run(raw, record_contract("event"), references(**KNOWN))) == [(2, "dates_reversed")]
