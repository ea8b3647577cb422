"""Same arguments, same bytes; a longer sample repeats the shorter one; nothing is deleted that was not ours."""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.sample.generate import DEFAULT_END, SampleReport, deliver_later, generate, runs

END = date(2026, 5, 20)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_give_the_same_bytes(home: Path, tmp_path: Path) -> None:
    generate(tmp_path)
    again, first = _hashes(tmp_path), _hashes(home)
    assert first.keys() == again.keys()
    assert {path for path in first if first[path] != again[path]} == set()


def test_another_seed_gives_another_park(tmp_path: Path) -> None:
    generate(tmp_path / "a", days=3, end=END, seed=1)
    generate(tmp_path / "b", days=3, end=END, seed=2)
    a, b = _hashes(tmp_path / "a" / "raw"), _hashes(tmp_path / "b" / "raw")
    same = {path for path in a.keys() & b.keys() if a[path] == b[path]}
    # Only what is fixed about the park stays: registers and papers without figures of the model, and the surveyors' findings.
    fixed = ("registers/", "survey_answers/", "survey_checklists/", "audit_papers/", "park_events/")
    assert all(path.startswith(fixed) for path in same), same
    assert not {"audit_papers/measures.xlsx", "audit_papers/targets.csv", "audit_meter_book/book.csv"} & same


def test_default_sample_keeps_its_size(sample: SampleReport) -> None:
    assert sample.last == DEFAULT_END
    assert sample.readings <= 500_000
    assert sample.files <= 300
    assert sample.files == sum(path.is_file() for path in (sample.home / "raw").rglob("*"))
    assert sample.later_files == sum(path.is_file() for path in (sample.home / "sample_later").rglob("*")) == 5
    assert sample.bytes < 20e6


def test_nothing_of_the_answer_sheet_lies_in_raw(home: Path) -> None:
    assert not [path for path in (home / "raw").rglob("*") if "truth" in path.name]
    summary = json.loads((home / "sample_truth" / "truth.json").read_text(encoding="utf-8"))
    tables = {path.stem for path in (home / "sample_truth").glob("*.parquet")}
    assert tables == set(summary["tables"])
    for name, table in summary["tables"].items():
        assert pl.read_parquet(home / "sample_truth" / f"{name}.parquet").height == table["rows"]


def test_a_longer_sample_repeats_the_shorter_one(tmp_path: Path) -> None:
    generate(tmp_path / "short", days=16, end=END)
    generate(tmp_path / "long", days=18, end=END + timedelta(days=2))
    short, long = _hashes(tmp_path / "short" / "raw"), _hashes(tmp_path / "long" / "raw")
    last_week = str(END - timedelta(days=1))
    # the open week's and the open month's files, and the marks of faults that have ended since
    growing = (last_week, "2026-05.", "2026-05_", "monitor_mark.csv")
    grown = {path for path in short if any(part in path for part in growing)} - {
        "waste_manifests/manifests_2026-05.xlsx"
    }  # nothing leaves then
    assert {path for path in short if short[path] != long.get(path)} == grown
    daily = [path for path in short if path.startswith("e007_steel_cems/")]
    assert len(daily) == 17  # one was sent twice
    for feed, key in (("utility_electricity/electricity_2026-05.csv", ["户号", "数据时间"]),):
        read = [pl.read_csv(tmp_path / which / "raw" / feed, infer_schema=False).unique(key, keep="none") for which in ("short", "long")]
        assert read[0].join(read[1], on=read[0].columns, how="anti").is_empty()
        assert read[1].height > read[0].height


def test_one_more_day_adds_files_and_touches_none(tmp_path: Path) -> None:
    generate(tmp_path, days=9, end=END, enterprises=14)
    before = _hashes(tmp_path / "raw")
    times = {path: (tmp_path / "raw" / path).stat().st_mtime_ns for path in before}
    tomorrow = END + timedelta(days=1)
    report = generate(tmp_path, days=10, end=tomorrow, enterprises=14, only_from=tomorrow)
    after = _hashes(tmp_path / "raw")
    assert {path: after[path] for path in before} == before
    assert {path: (tmp_path / "raw" / path).stat().st_mtime_ns for path in before} == times
    new = after.keys() - before.keys()
    assert len(new) == report.files == 17  # every feed of readings but the laboratory, which takes no sample that day, and the campaign
    rows = pl.read_csv(tmp_path / "raw" / f"utility_electricity/electricity_since_{tomorrow}.csv", infer_schema=False)
    assert rows["数据时间"].str.slice(0, 10).unique().to_list() == [str(tomorrow)]


def test_registers_continue_across_deliveries(tmp_path: Path) -> None:
    """The next night's first register reading goes on from the last one of the history."""
    generate(tmp_path, days=10, end=END)
    tomorrow = END + timedelta(days=1)
    generate(tmp_path, days=11, end=tomorrow, only_from=tomorrow)
    folder = tmp_path / "raw" / "grid_registers"
    history, new = (
        pl.read_csv(folder / name, separator=";", infer_schema=False) for name in ("HV_2026-05.csv", f"HV_since_{tomorrow}.csv")
    )
    last = history.filter(pl.col("计量点编号") == "MP-E007-EL")["正向有功总"].str.replace(",", ".").cast(pl.Float64)[-1]
    first = new.filter(pl.col("计量点编号") == "MP-E007-EL")["正向有功总"].str.replace(",", ".").cast(pl.Float64)[0]
    assert 0 < first - last < 1  # an hour of a steel mill: some 36,000 kWh at a multiplier of 132,000
    assert new.height == 48


def test_a_smaller_sample_takes_the_larger_ones_files_away_and_no_others(tmp_path: Path) -> None:
    generate(tmp_path, days=9, end=END, enterprises=13)
    deliver_later(tmp_path)
    theirs = tmp_path / "raw" / "utility_electricity" / "sent_by_hand.csv"
    theirs.write_text("kept", encoding="utf-8")
    report = generate(tmp_path, days=4, end=END, enterprises=12)
    left = {path for path in (tmp_path / "raw").rglob("*") if path.is_file()}
    assert theirs in left
    assert len(left) == report.files + 1


def test_writing_the_same_sample_again_leaves_its_files_alone(tmp_path: Path) -> None:
    generate(tmp_path, days=4, end=END)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*") if path.is_file()}
    generate(tmp_path, days=4, end=END)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*") if path.is_file()} == times


def test_a_further_nights_files_are_ours_to_remove(tmp_path: Path) -> None:
    generate(tmp_path, days=4, end=END)
    generate(tmp_path, days=5, end=END + timedelta(days=1), only_from=END + timedelta(days=1))
    generate(tmp_path, days=4, end=END)
    assert not list((tmp_path / "raw").rglob("*since_*"))


def test_later_deliveries_come_under_names_of_their_own(home: Path, tmp_path: Path) -> None:
    generate(tmp_path)
    before = _hashes(tmp_path / "raw")
    new = deliver_later(tmp_path)
    after = _hashes(tmp_path / "raw")
    assert len(new) == 5
    assert {path: after[path] for path in before} == before
    assert after.keys() - before.keys() == {path.relative_to(tmp_path / "raw").as_posix() for path in new}


def test_files_a_month_for_long_histories(tmp_path: Path) -> None:
    report = generate(tmp_path, days=40, end=END, enterprises=15, file_period="month")
    readings = [
        path
        for path in (tmp_path / "raw").rglob("*")
        if path.is_file()
        and not path.parts[-2].startswith(("report_", "registers", "survey", "audit_", "park_events", "waste_", "e008_clinker_lab"))
    ]
    per_feed = {folder.name: sum(path.is_file() for path in folder.rglob("*")) for folder in (tmp_path / "raw").iterdir()}
    assert report.later_files == 0
    assert per_feed["e007_steel_cems"] == per_feed["e009_chp_cems"] == per_feed["wastewater_online"] == 2
    assert len(readings) <= 2 * 18 + 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"enterprises": 11}, "enterprises = 11"),
        ({"days": 1}, "days = 1"),
        ({"file_period": "month", "with_faults": True}, "with_faults = True"),
        ({"end": date(2035, 1, 1)}, "end = 2035-01-01"),
        ({"days": 10, "end": END, "only_from": END + timedelta(days=1)}, "only_from = 2026-05-21"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        generate(tmp_path, **arguments)
    assert not (tmp_path / "raw").exists()


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    generate(tmp_path, days=3, end=END, progress=lambda done, total, what: seen.append((done, total, what)))
    assert [done for done, _, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_runs_cover_every_day_once(period: str) -> None:
    first, last = date(2026, 1, 20), date(2026, 4, 2)
    covered = [run.first + timedelta(days=n) for run in runs(period, first, last) for n in range((run.last - run.first).days + 1)]
    assert covered == [first + timedelta(days=n) for n in range((last - first).days + 1)]
